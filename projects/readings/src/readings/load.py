"""Loading readings from CSV and JSON files.

Both formats carry the same fields: ``meter``, ``at`` (ISO 8601 with an offset from UTC), ``kwh``, and
optionally ``estimated`` (``true`` or ``false``). A JSON file is a list of objects with those fields.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from units import Energy, UnitError

from readings.model import Reading, ReadingError

_FIELDS = frozenset({"meter", "at", "kwh", "estimated"})
_FLAGS = {"true": True, "false": False, "": False}

Row = Mapping[str, str]


def load(path: Path) -> list[Reading]:
    """Load all readings of a file.

    Args:
        path: A file that ends in ``.csv`` or ``.json``.

    Returns:
        The readings, in the order of the file.

    Raises:
        ReadingError: The file cannot be read or understood; the message says where.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ReadingError(f"{path}: expected a name that ends in {' or '.join(_READERS)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [_reading(f"{path}:{place}", row) for place, row in reader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as problem:
        raise ReadingError(f"{path}: {problem}") from problem


def _csv_rows(stream: TextIO) -> Iterator[tuple[int, Row]]:
    """Yield the line number and the fields of each line of a CSV file."""
    table = csv.DictReader(stream, strict=True, restval="", restkey="(too many)")
    for row in table:
        yield table.line_num, {key: str(value).strip() for key, value in row.items()}


def _json_rows(stream: TextIO) -> Iterator[tuple[int, Row]]:
    """Yield the number and the fields of each entry of a JSON file."""
    entries: object = json.load(stream, parse_float=Decimal)
    if not isinstance(entries, list):
        raise ReadingError("expected a list of readings")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise ReadingError(f"entry {number} is not an object")
        yield number, {str(key): _text(value) for key, value in entry.items()}


def _text(value: object) -> str:
    """Write a JSON value the way a CSV file would hold it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_READERS: dict[str, Callable[[TextIO], Iterator[tuple[int, Row]]]] = {
    ".csv": _csv_rows,
    ".json": _json_rows,
}


def _reading(place: str, row: Row) -> Reading:
    """Make a reading of one row; errors begin with the place of the row."""
    unknown = sorted(set(row) - _FIELDS)
    if unknown:
        raise ReadingError(f"{place}: unknown field {unknown[0]!r}")
    try:
        return Reading(
            meter=_field(row, "meter"),
            at=_instant(_field(row, "at")),
            register=Energy.of(_field(row, "kwh"), "kWh"),
            estimated=_flag(row.get("estimated", "")),
        )
    except (ReadingError, UnitError) as problem:
        raise ReadingError(f"{place}: {problem}") from problem


def _field(row: Row, name: str) -> str:
    """Give a field that must be there."""
    value = row.get(name, "")
    if not value:
        raise ReadingError(f"the field {name!r} is missing")
    return value


def _instant(text: str) -> datetime:
    """Read a time stamp."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ReadingError(f"{text!r} is not a time in ISO 8601") from None


def _flag(text: str) -> bool:
    """Read a yes or no."""
    if text not in _FLAGS:
        raise ReadingError(f"{text!r} is neither 'true' nor 'false'")
    return _FLAGS[text]
