"""Tests of loading readings from files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from units import Energy

from readings import Reading, ReadingError, load

GOOD_CSV = """\
meter,at,kwh,estimated
main,2024-03-01T00:00:00Z,10.5,
main,2024-03-01T01:00:00+00:00,11,true
"""
GOOD_JSON = """\
[{"meter": "main", "at": "2024-03-01T00:00:00Z", "kwh": 10.5},
 {"meter": "main", "at": "2024-03-01T01:00:00Z", "kwh": "11", "estimated": true}]
"""


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file to load."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "text"), [("m.csv", GOOD_CSV), ("m.JSON", GOOD_JSON)])
def test_both_formats_give_the_same(tmp_path: Path, name: str, text: str) -> None:
    """CSV and JSON are two spellings of one thing."""
    assert load(write(tmp_path, name, text)) == [
        Reading("main", datetime(2024, 3, 1, tzinfo=UTC), Energy.of("10.5", "kWh")),
        Reading("main", datetime(2024, 3, 1, 1, tzinfo=UTC), Energy.of(11, "kWh"), True),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_field(tmp_path: Path) -> None:
    """Spreadsheets like to write one."""
    assert len(load(write(tmp_path, "m.csv", "\ufeff" + GOOD_CSV))) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("main,yesterday,1", "3: 'yesterday' is not a time"),
        ("main,2024-03-01T00:00:00,1", "3: the time .* has no time zone"),
        ("main,2024-03-01T00:00:00Z,1,5", "3: unknown field"),
        ("main,2024-03-01T00:00:00Z,one", "3: 'one' is not a number"),
        ("main,2024-03-01T00:00:00Z,-1", "3: a register cannot show -1 kWh"),
        ("main,2024-03-01T00:00:00Z", "3: the field 'kwh' is missing"),
        (",2024-03-01T00:00:00Z,1", "3: the field 'meter' is missing"),
        ('"main', "unexpected end of data"),
    ],
)
def test_mistakes_name_the_line(tmp_path: Path, row: str, message: str) -> None:
    """The reader of the message finds the place at once."""
    text = f"meter,at,kwh\nmain,2024-02-29T00:00:00Z,0\n{row}\n"
    with pytest.raises(ReadingError, match=f"m.csv:.*{message}"):
        load(write(tmp_path, "m.csv", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "expected a list"),
        ("[1]", "entry 1 is not an object"),
        ("[", "line 1 column 2"),
        ('[{"meter": "a", "at": "2024-03-01T00Z", "kwh": 1, "estimated": "no"}]', "1: 'no' is"),
        ('[{"meter": "a", "at": "2024-03-01T00Z", "kwh": 1, "kw": 2}]', "1: unknown field 'kw'"),
    ],
)
def test_bad_json(tmp_path: Path, text: str, message: str) -> None:
    """Wrong shapes are reported, not skipped."""
    with pytest.raises(ReadingError, match=message):
        load(write(tmp_path, "m.json", text))


def test_unknown_format(tmp_path: Path) -> None:
    """The message lists what would do."""
    with pytest.raises(ReadingError, match=r"\.csv or \.json"):
        load(tmp_path / "m.xlsx")


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error like any other."""
    with pytest.raises(ReadingError, match="No such file"):
        load(tmp_path / "m.csv")


def test_wrong_encoding(tmp_path: Path) -> None:
    """Text in an old encoding is refused instead of garbled."""
    path = tmp_path / "m.csv"
    path.write_bytes("meter,at,kwh\nZähler,2024-03-01T00:00:00Z,1\n".encode("latin-1"))
    with pytest.raises(ReadingError, match="codec"):
        load(path)


def test_a_reading_needs_a_meter() -> None:
    """The model itself refuses what no file could say."""
    with pytest.raises(ReadingError, match="name of its meter"):
        Reading("", datetime(2024, 3, 1, tzinfo=UTC), Energy.zero())
