"""Loading tariffs from TOML, JSON and YAML files.

YAML needs the extra ``tariffs[yaml]``. It is imported when the first YAML file is loaded, so that
everything else works without it.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from units import UnitError, to_decimal

from tariffs.model import WEEKDAYS, Band, Tariff, TariffError

Table = Mapping[str, object]

_TARIFF_KEYS = frozenset({"name", "currency", "zone", "standing", "band"})
_BAND_KEYS = frozenset({"name", "price", "start", "end", "days"})


def load_tariff(path: Path) -> Tariff:
    """Load a tariff from a file.

    Args:
        path: A file that ends in ``.toml``, ``.json``, ``.yaml`` or ``.yml``.

    Returns:
        The tariff.

    Raises:
        TariffError: The file cannot be read or understood, or YAML support is not installed.
    """
    parser = _PARSERS.get(path.suffix.lower())
    if parser is None:
        raise TariffError(f"{path}: expected a name that ends in {', '.join(_PARSERS)}")
    try:
        return tariff_from(parser(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as problem:
        raise TariffError(f"{path}: {problem}") from problem


def tariff_from(data: object) -> Tariff:
    """Make a tariff of plain data.

    Args:
        data: A mapping with the keys of a tariff file.

    Returns:
        The tariff.

    Raises:
        TariffError: A key is missing, unknown, or has a value that makes no sense.
    """
    table = _table(data, "the tariff", _TARIFF_KEYS)
    return Tariff(
        name=_text(table, "name"),
        currency=_text(table, "currency"),
        zone=_zone(_text(table, "zone")),
        standing=_price(table, "standing"),
        bands=tuple(_band(item) for item in _items(table.get("band"), "band")),
    )


def _band(data: object) -> Band:
    """Make a band of plain data."""
    table = _table(data, "a band", _BAND_KEYS)
    days = _items(table.get("days", list(WEEKDAYS)), "days")
    return Band(
        name=_text(table, "name"),
        price=_price(table, "price"),
        start=_clock(table, "start"),
        end=_clock(table, "end"),
        days=frozenset(_day(day) for day in days),
    )


def _table(data: object, what: str, known: frozenset[str]) -> Table:
    """Make sure that data is a table which has only known keys."""
    if not isinstance(data, Mapping):
        raise TariffError(f"{what} must be a table, not {type(data).__name__}")
    table = {str(key): value for key, value in data.items()}
    unknown = sorted(set(table) - known)
    if unknown:
        raise TariffError(f"{what} has an unknown key {unknown[0]!r}")
    return table


def _items(value: object, key: str) -> Iterable[object]:
    """Make sure that a value is a list."""
    if not isinstance(value, list):
        raise TariffError(f"{key!r} must be a list")
    return value


def _text(table: Table, key: str) -> str:
    """Give a text that must be there."""
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise TariffError(f"{key!r} must be a text")
    return value


def _price(table: Table, key: str) -> Decimal:
    """Give a price, written as a number or, to be exact in any format, as text."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise TariffError(f"{key!r} must be a price")
    try:
        return to_decimal(value)
    except UnitError as problem:
        raise TariffError(f"{key!r} must be a price: {problem}") from problem


def _clock(table: Table, key: str) -> time:
    """Give a time of day; midnight where the table has none."""
    value = table.get(key, "00:00")
    try:
        found = time.fromisoformat(str(value))
    except ValueError:
        raise TariffError(f"{key!r} must be a time such as '22:00', not {value!r}") from None
    if not isinstance(value, str | time) or found.tzinfo is not None:
        raise TariffError(f"{key!r} must be a local time in quotes, not {value!r}")
    return found


def _day(value: object) -> int:
    """Give the number of a day of the week."""
    if value not in WEEKDAYS:
        raise TariffError(f"{value!r} is not a day, expected one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(str(value))


def _zone(name: str) -> ZoneInfo:
    """Give a time zone by its name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TariffError(f"there is no time zone {name!r}") from None


def _toml(text: str) -> object:
    """Parse TOML, with exact numbers."""
    return tomllib.loads(text, parse_float=Decimal)


def _json(text: str) -> object:
    """Parse JSON, with exact numbers."""
    return json.loads(text, parse_float=Decimal)


def _yaml(text: str) -> object:
    """Parse YAML, if that is installed."""
    try:
        import yaml
    except ImportError:
        raise TariffError("YAML files need the extra: install tariffs[yaml]") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise TariffError(f"{problem}") from problem


_PARSERS: dict[str, Callable[[str], object]] = {
    ".toml": _toml,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
}
