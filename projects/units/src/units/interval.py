"""Spans between two instants, split the way meters and tariffs split time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

QUARTER_HOUR = timedelta(minutes=15)
"""The grid on which meters count; every time zone in use is a multiple of it away from UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class IntervalError(ValueError):
    """An interval that does not exist."""


def floor(at: datetime, step: timedelta = QUARTER_HOUR) -> datetime:
    """Round an instant down to the grid of a step.

    Args:
        at: An instant with a time zone.
        step: The distance between two grid points, counted from 1970 in UTC.

    Returns:
        The last grid point that is not after the instant, in UTC.

    Raises:
        IntervalError: The step is zero or negative, or the instant has no time zone.
    """
    if step <= timedelta(0):
        raise IntervalError(f"a step must be longer than nothing, not {step}")
    if at.tzinfo is None:
        raise IntervalError(f"{at} has no time zone")
    return _EPOCH + (at - _EPOCH) // step * step


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """The time from one instant up to, but not including, a later one.

    Attributes:
        start: The first instant that belongs to the interval.
        end: The first instant that no longer does.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Keep both ends in UTC, so that no clock change can hide in between."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise IntervalError("both ends of an interval need a time zone")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise IntervalError(f"{self.end} is not after {self.start}")

    @property
    def duration(self) -> timedelta:
        """The time that really passes, whatever the clocks do."""
        return self.end - self.start

    def __contains__(self, at: datetime) -> bool:
        """Tell whether an instant belongs to the interval."""
        return self.start <= at < self.end

    def split(self, step: timedelta = QUARTER_HOUR) -> Iterator["Interval"]:
        """Cut the interval at every grid point of a step.

        Args:
            step: The distance between two grid points.

        Yields:
            The pieces in order; the first and the last may be shorter than the step.
        """
        start = self.start
        while start < self.end:
            end = min(floor(start, step) + step, self.end)
            yield Interval(start, end)
            start = end

    def dates(self, zone: tzinfo) -> list[date]:
        """List the calendar days that the interval touches.

        Args:
            zone: The time zone whose calendar counts.

        Returns:
            The days in order, without gaps.
        """
        first = self.start.astimezone(zone).date()
        last = (self.end - timedelta(microseconds=1)).astimezone(zone).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]
