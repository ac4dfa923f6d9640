"""Tests of tables."""

import json

from meterctl.table import Table

TABLE = Table(("day", "kWh"), [("Monday", "9.0"), ("Tuesday", "")])


def test_text_is_aligned() -> None:
    """Columns are as wide as their widest cell, and no line ends in blanks."""
    assert TABLE.text() == "day      kWh\nMonday   9.0\nTuesday"


def test_json_has_the_names() -> None:
    """Programs get one object for each row."""
    assert json.loads(TABLE.json()) == [
        {"day": "Monday", "kWh": "9.0"},
        {"day": "Tuesday", "kWh": ""},
    ]


def test_no_rows() -> None:
    """An empty table still has its names, and is valid JSON."""
    empty = Table(("day",), [])
    assert empty.text() == "day"
    assert json.loads(empty.json()) == []
