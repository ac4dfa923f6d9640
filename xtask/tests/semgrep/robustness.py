"""Cases for ci/semgrep/robustness.yaml."""

import contextlib
import logging

logger = logging.getLogger(__name__)


# --- assert-in-production
def positive(value: int) -> int:
    """Return a positive value."""
    # ruleid: assert-in-production
    assert value > 0
    # ruleid: assert-in-production
    assert isinstance(value, int), "an integer"
    # ok: assert-in-production
    if value < 0:
        raise ValueError("negative")
    return value


# --- except-pass
def swallow(values: list[str]) -> None:
    """Go on whatever happens."""
    # ruleid: except-pass
    try:
        print(values[0])
    except Exception:
        pass
    # ruleid: except-pass
    try:
        print(values[0])
    except:
        pass
    for value in values:
        # ruleid: except-pass
        try:
            print(int(value))
        except Exception:
            continue
    # ruleid: except-pass
    with contextlib.suppress(Exception):
        print(values[0])
    # ruleid: except-pass
    try:
        print(values[0])
    except (IndexError, Exception):
        pass
    else:
        print("printed")
    # ruleid: except-pass
    try:
        print(values[0])
    except Exception as error:
        ...
    # ok: except-pass
    try:
        print(values[0])
    except IndexError:
        pass
    # ok: except-pass
    try:
        print(values[0])
    except (IndexError, KeyError):
        pass
    # ok: except-pass
    try:
        print(values[0])
    except Exception:
        logger.exception("cannot print")
    # ok: except-pass
    with contextlib.suppress(IndexError):
        print(values[0])


# --- secret-logged
def login(user: str, password: str, config) -> None:
    """Log in."""
    # ruleid: secret-logged
    logger.info("login %s %s", user, password)
    # ruleid: secret-logged
    logging.debug(f"login {user} with {password}")
    # ruleid: secret-logged
    logger.warning("key " + config.api_key)
    # ruleid: secret-logged
    logger.error("key %s", config.api_key)
    # ok: secret-logged
    logger.info("login %s", user)
    # ok: secret-logged
    logger.info("password of %s set: %s", user, bool(password))
    # ok: secret-logged
    logger.info("wrong password")
    # ok: secret-logged
    config.store(user, password)
