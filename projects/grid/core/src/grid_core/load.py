"""Loading networks and their loads from JSON files.

A file is an object with the keys ``root`` (a place), ``lines`` (a list of objects with ``name``, ``start``, ``end`` and
``rating``) and ``loads`` (an object from place to watts).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grid_core.network import GridError, Line, Network


@dataclass(frozen=True, slots=True)
class Case:
    """A network and what its places draw at one moment.

    Attributes:
        network: The network.
        loads: What each place draws, in watts.
    """

    network: Network
    loads: dict[str, int]


def load(path: Path) -> Case:
    """Load a case from a file.

    Args:
        path: The file.

    Returns:
        The network and its loads.

    Raises:
        GridError: The file cannot be read or understood.
    """
    try:
        data: object = json.loads(path.read_text(encoding="utf-8"))
        table = _table(data, "the file")
        network = Network(_text(table, "root"), [_line(item) for item in _list(table, "lines")])
        drawn = _table(table.get("loads", {}), "'loads'")
        return Case(network, {place: _watts(drawn, place) for place in drawn})
    except (OSError, ValueError) as problem:
        raise GridError(f"{path}: {problem}") from problem


def _line(data: object) -> Line:
    """Make a line of plain data."""
    table = _table(data, "a line")
    return Line(
        _text(table, "name"), _text(table, "start"), _text(table, "end"), _watts(table, "rating")
    )


def _table(data: object, what: str) -> Mapping[str, object]:
    """Make sure that data is an object."""
    if not isinstance(data, dict):
        raise GridError(f"{what} must be an object")
    return {str(key): value for key, value in data.items()}


def _list(table: Mapping[str, object], key: str) -> list[object]:
    """Give a list that must be there."""
    value = table.get(key)
    if not isinstance(value, list):
        raise GridError(f"{key!r} must be a list")
    return list(value)


def _text(table: Mapping[str, object], key: str) -> str:
    """Give a text that must be there."""
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise GridError(f"{key!r} must be a text")
    return value


def _watts(table: Mapping[str, object], key: str) -> int:
    """Give a whole number that must be there."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise GridError(f"{key!r} must be a whole number of watts")
    return value
