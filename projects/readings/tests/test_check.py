"""Tests of the plausibility checks."""

from datetime import UTC, datetime, timedelta

import pytest
from units import Energy, Power

from readings import Issue, Kind, Limits, Reading, check

START = datetime(2024, 3, 1, tzinfo=UTC)


def reading(hours: float, kwh: str, meter: str = "main") -> Reading:
    """Make a reading some hours after the start."""
    return Reading(meter, START + timedelta(hours=hours), Energy.of(kwh, "kWh"))


def test_normal_readings_have_no_issues() -> None:
    """Order does not matter, and two meters do not disturb each other."""
    assert check([reading(2, "12"), reading(0, "10"), reading(1, "900", "garage")]) == []


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (reading(0, "10"), [Kind.DUPLICATE]),
        (reading(1, "9"), [Kind.BACKWARD]),
        (reading(25, "11"), [Kind.GAP]),
        (reading(1, "25"), [Kind.PEAK]),
        (reading(25, "9"), [Kind.GAP, Kind.BACKWARD]),
        (reading(24, "11"), []),
        (reading(1, "24"), []),
    ],
)
def test_each_kind(after: Reading, kinds: list[Kind]) -> None:
    """Every kind is found, and just at the limit nothing is."""
    assert [issue.kind for issue in check([reading(0, "10"), after])] == kinds


def test_limits_can_be_set() -> None:
    """A flat with a small fuse that is read every hour."""
    limits = Limits(gap=timedelta(hours=1), power=Power.of(2, "kW"))
    issues = check([reading(0, "10"), reading(1, "13"), reading(3, "14")], limits)
    assert [issue.kind for issue in issues] == [Kind.PEAK, Kind.GAP]


def test_an_issue_prints_on_one_line() -> None:
    """Meter, time, kind and text, in that order."""
    issue = Issue(Kind.GAP, "main", START, "2 days")
    assert str(issue) == "main 2024-03-01T00:00:00+00:00 gap: 2 days"
