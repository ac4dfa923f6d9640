"""Tests of the command."""

import json
from pathlib import Path

import pytest

from grid_report.cli import main


def street(folder: Path, watts: int) -> str:
    """Write a network with one house and give the name of its file."""
    line = {"name": "main", "start": "t", "end": "house", "rating": 1000}
    path = folder / "street.json"
    path.write_text(
        json.dumps({"root": "t", "lines": [line], "loads": {"house": watts}}), encoding="utf-8"
    )
    return str(path)


@pytest.mark.parametrize(("watts", "status"), [(1000, 0), (-1001, 1)])
def test_status_tells_of_overloads(tmp_path: Path, watts: int, status: int) -> None:
    """One watt makes the difference."""
    assert main([street(tmp_path, watts)]) == status


@pytest.mark.parametrize(
    ("form", "last"),
    [
        ("text", "main  500 W    1 kW    50 %"),
        ("markdown", "| main | 500 W | 1 kW | 50 % |  |"),
        ("csv", "main,500 W,1 kW,50 %,"),
    ],
)
def test_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, last: str) -> None:
    """Each form can be chosen."""
    assert main(["--format", form, street(tmp_path, 500)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A message and no traceback."""
    assert main([str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err.startswith("grid-report: ")
