"""Host names as people and machines write them."""

import idna


def encode(name: str) -> str:
    """Encodes a host name for the wire.

    Args:
        name: The name as a person writes it.

    Returns:
        The name in ASCII.
    """
    return idna.encode(name).decode("ascii")


def labels(name: str) -> list[str]:
    """Splits a host name.

    Args:
        name: The name, with or without the dot at its end.

    Returns:
        Its labels from left to right.
    """
    return name.rstrip(".").split(".")
