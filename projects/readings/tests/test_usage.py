"""Tests of the way from readings to usage."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from units import Energy, Interval, Power

from readings import Reading, ReadingError, Usage, daily, resample, spread, usages

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def kwh(number: str) -> Energy:
    """Make an energy."""
    return Energy.of(number, "kWh")


def reading(hours: float, number: str, meter: str = "main") -> Reading:
    """Make a reading some hours after the start."""
    return Reading(meter, START + hours * HOUR, kwh(number))


def test_usage_between_readings() -> None:
    """The order of the readings does not matter."""
    found = usages([reading(3, "16"), reading(0, "10"), reading(1, "12")])
    assert [usage.energy for usage in found] == [kwh("2"), kwh("4")]
    assert [usage.power for usage in found] == [Power.of(2, "kW"), Power.of(2, "kW")]


def test_a_register_that_ran_over() -> None:
    """Five digits: after 99999 comes 0."""
    assert usages([reading(0, "99998"), reading(1, "3")], digits=5)[0].energy == kwh("5")


@pytest.mark.parametrize(
    ("pair", "digits", "message"),
    [
        ((reading(0, "5"), reading(1, "4")), None, "went down"),
        ((reading(0, "5000"), reading(1, "4")), 3, "does not fit on 3 digits"),
        ((reading(0, "5"), reading(0, "6")), None, "two readings"),
        ((reading(0, "5"), reading(1, "6", "garage")), None, "garage, main"),
    ],
)
def test_nonsense(pair: tuple[Reading, Reading], digits: int | None, message: str) -> None:
    """What cannot be explained is an error."""
    with pytest.raises(ReadingError, match=message):
        usages(pair, digits)


def test_spread_loses_nothing() -> None:
    """A third of a watt hour here and there still adds up."""
    whole = Usage(Interval(START, START + 7 * HOUR), kwh("1"))
    parts = list(spread(whole))
    assert len(parts) == 28
    assert sum((part.energy for part in parts), start=Energy.zero()) == whole.energy


def test_resample_to_hours() -> None:
    """Half an hour on each side of a full hour goes to two slots."""
    half = timedelta(minutes=30)
    usage = Usage(Interval(START + half, START + HOUR + half), kwh("2"))
    slots = resample([usage, usage], HOUR)
    assert [slot.interval.start for slot in slots] == [START, START + HOUR]
    assert [slot.energy.to("kWh") for slot in slots] == [Decimal(2), Decimal(2)]


def test_daily_in_the_local_calendar() -> None:
    """The last hour before UTC midnight is the next day in Berlin."""
    usage = Usage(Interval(START + 22 * HOUR, START + 24 * HOUR), kwh("3"))
    assert daily([usage], UTC) == {date(2024, 3, 1): kwh("3")}
    assert daily([usage], ZoneInfo("Europe/Berlin")) == {
        date(2024, 3, 1): kwh("1.5"),
        date(2024, 3, 2): kwh("1.5"),
    }
