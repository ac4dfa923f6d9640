"""Tests of intervals and their grid."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from units import QUARTER_HOUR, Interval, IntervalError
from units.interval import floor

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 3, 30, 12, tzinfo=UTC)


def test_split_at_quarter_hours() -> None:
    """Inner cuts lie on the grid, the ends stay where they were."""
    span = Interval(NOON + timedelta(minutes=5), NOON + timedelta(minutes=40))
    pieces = list(span.split())
    assert [piece.duration for piece in pieces] == [timedelta(minutes=m) for m in (10, 15, 10)]
    assert pieces[0].start == span.start
    assert pieces[-1].end == span.end


def test_a_piece_on_the_grid_stays_whole() -> None:
    """No empty pieces arise at the ends."""
    span = Interval(NOON, NOON + QUARTER_HOUR)
    assert list(span.split()) == [span]


def test_the_short_day_has_23_hours() -> None:
    """Real time counts when the clocks go forward."""
    day = Interval(
        datetime(2024, 3, 31, tzinfo=BERLIN),
        datetime(2024, 4, 1, tzinfo=BERLIN),
    )
    assert day.duration == timedelta(hours=23)
    assert len(list(day.split(timedelta(hours=1)))) == 23


def test_dates_follow_the_local_calendar() -> None:
    """An hour before UTC midnight is the next day already in Berlin."""
    evening = Interval(NOON + timedelta(hours=11), NOON + timedelta(hours=12))
    assert evening.dates(UTC) == [date(2024, 3, 30)]
    assert evening.dates(BERLIN) == [date(2024, 3, 31)]


def test_dates_do_not_touch_the_end() -> None:
    """Midnight belongs to the day that begins."""
    midnight = datetime(2024, 3, 31, tzinfo=UTC)
    assert Interval(NOON, midnight).dates(UTC) == [date(2024, 3, 30)]


def test_contains() -> None:
    """The start belongs to an interval, the end does not."""
    span = Interval(NOON, NOON + QUARTER_HOUR)
    assert NOON in span
    assert NOON + QUARTER_HOUR not in span


def test_an_interval_needs_time_zones() -> None:
    """An instant without zone is nowhere."""
    with pytest.raises(IntervalError, match="time zone"):
        Interval(NOON.replace(tzinfo=None), NOON)


@pytest.mark.parametrize("minutes", [0, -1])
def test_an_interval_must_go_forward(minutes: int) -> None:
    """Empty and backward intervals do not exist."""
    with pytest.raises(IntervalError, match="not after"):
        Interval(NOON, NOON + timedelta(minutes=minutes))


def test_floor_refuses_bad_input() -> None:
    """A step of nothing and an instant without zone are errors."""
    with pytest.raises(IntervalError, match="step"):
        floor(NOON, timedelta(0))
    with pytest.raises(IntervalError, match="time zone"):
        floor(NOON.replace(tzinfo=None))
