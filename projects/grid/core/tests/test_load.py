"""Tests of loading networks."""

import json
from pathlib import Path

import pytest

from grid_core import GridError, load

LINE = {"name": "main", "start": "t", "end": "house", "rating": 100}
GOOD = {"root": "t", "lines": [LINE], "loads": {"house": -5}}


def write(folder: Path, data: object) -> Path:
    """Write a file to load."""
    path = folder / "street.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_load(tmp_path: Path) -> None:
    """Network and loads are both there."""
    case = load(write(tmp_path, GOOD))
    assert case.network.places() == ["t", "house"]
    assert case.network.lines[0].rating == 100
    assert case.loads == {"house": -5}


def test_loads_may_be_missing(tmp_path: Path) -> None:
    """A network alone is a case as well."""
    assert load(write(tmp_path, {"root": "t", "lines": []})).loads == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the file must be an object"),
        (GOOD | {"root": ""}, "'root' must be a text"),
        (GOOD | {"lines": {}}, "'lines' must be a list"),
        (GOOD | {"lines": [1]}, "a line must be an object"),
        (GOOD | {"lines": [LINE | {"rating": "100"}]}, "'rating' must be a whole number"),
        (GOOD | {"lines": [LINE | {"rating": True}]}, "'rating' must be a whole number"),
        (GOOD | {"lines": [LINE, LINE]}, "fed already"),
        (GOOD | {"loads": {"house": 1.5}}, "'house' must be a whole number"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, data: object, message: str) -> None:
    """Each message says what is wrong, and in which file."""
    with pytest.raises(GridError, match=f"street.json: .*{message}"):
        load(write(tmp_path, data))


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is an error like any other."""
    with pytest.raises(GridError, match="No such file"):
        load(tmp_path / "street.json")


def test_no_json(tmp_path: Path) -> None:
    """The parser's message is kept."""
    path = tmp_path / "street.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(GridError, match="line 1 column 2"):
        load(path)
