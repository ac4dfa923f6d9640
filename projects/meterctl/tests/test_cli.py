"""Tests of the program as a user sees it."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from meterctl import main

Output = pytest.CaptureFixture[str]


def test_usage(meter: Path, capsys: Output) -> None:
    """Two equal days."""
    assert main(["usage", str(meter)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "day         kWh",
        "2024-03-01  36.0",
        "2024-03-02  36.0",
    ]


def test_usage_in_another_zone(meter: Path, capsys: Output) -> None:
    """Two days in UTC touch three in Berlin."""
    assert main(["usage", str(meter), "--zone", "Europe/Berlin"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [["2024-03-01", "34.0"], ["2024-03-02", "36.0"], ["2024-03-03", "2.0"]]


def test_cost_lists_the_cheapest_first(meter: Path, tariffs: list[str], capsys: Output) -> None:
    """24 hours at 1 kW and 24 hours at 2 kW."""
    assert main(["--json", "cost", str(meter), *tariffs]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["tariff"], row["total"]) for row in rows] == [
        ("Noon", "16.80 EUR"),
        ("Flat", "38.00 EUR"),
    ]


def test_forecast(meter: Path, capsys: Output) -> None:
    """The next day is like the days before."""
    assert main(["--json", "forecast", str(meter), "--steps", "13"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["kWh"] for row in rows] == ["1.0"] * 12 + ["2.0"]
    assert rows[0] == {"hour": "2024-03-03 00:00", "kWh": "1.0", "low": "1.0", "high": "1.0"}


def test_forecast_needs_history(meter: Path, capsys: Output) -> None:
    """Two days are no week."""
    assert main(["forecast", str(meter), "--model", "week"]) == 2
    assert "168 steps of history are needed" in capsys.readouterr().err


def test_check_finds_nothing(meter: Path, capsys: Output) -> None:
    """Only the names of the columns are printed."""
    assert main(["check", str(meter)]) == 0
    assert capsys.readouterr().out == "meter  at  issue  details\n"


def test_check_finds_something(meter: Path, capsys: Output) -> None:
    """Half of the hours are above one and a half kilowatts."""
    assert main(["--json", "check", str(meter), "--max-power", "1.5"]) == 1
    issues = json.loads(capsys.readouterr().out)
    assert [issue["issue"] for issue in issues] == ["peak"] * 24


def test_one_of_two_meters(two_meters: Path, capsys: Output) -> None:
    """With a name the file can be used, without one it cannot."""
    assert main(["usage", str(two_meters)]) == 2
    assert "choose one with --meter: garage, main" in capsys.readouterr().err
    assert main(["usage", str(two_meters), "--meter", "garage"]) == 0
    assert "2024-03-01  2.0" in capsys.readouterr().out


def test_no_such_meter(two_meters: Path, capsys: Output) -> None:
    """The message lists the names there are."""
    assert main(["check", str(two_meters), "--meter", "attic"]) == 2
    assert "no meter 'attic', there is garage, main" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["forecast", "m.csv", "--steps", "0"], "0 is less than 1"),
        (["usage", "m.csv", "--zone", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
        (["cost", "m.csv"], "required: --tariff"),
    ],
)
def test_bad_command_lines(arguments: list[str], message: str, capsys: Output) -> None:
    """The parser ends the program with its own status 2."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


def test_missing_file(tmp_path: Path, capsys: Output) -> None:
    """A message and no traceback."""
    assert main(["usage", str(tmp_path / "none.csv")]) == 2
    assert capsys.readouterr().err.startswith("meterctl: ")


def test_as_a_module(meter: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """``python -m meterctl`` ends with the status of the command."""
    monkeypatch.setattr(sys, "argv", ["meterctl", "check", str(meter), "--max-gap", "0.5"])
    with pytest.raises(SystemExit, match="1"):
        runpy.run_module("meterctl", run_name="__main__")
    assert capsys.readouterr().out.count(" gap ") == 48
