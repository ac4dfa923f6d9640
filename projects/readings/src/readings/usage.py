"""From readings to usage, and from irregular intervals to regular ones."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise

from units import QUARTER_HOUR, Energy, Interval
from units.interval import floor

from readings.model import Reading, ReadingError, Usage

_GRAIN = Decimal("0.001")


def usages(readings: Sequence[Reading], digits: int | None = None) -> list[Usage]:
    """Turn the readings of one meter into the usage between them.

    Args:
        readings: Readings of one meter, in any order.
        digits: How many digits before the point the register has. Given these, a register that
            went down is taken to have run over.

    Returns:
        One usage for each pair of neighbouring readings.

    Raises:
        ReadingError: There is more than one meter, two readings share an instant, or the register
            went down without an explanation.
    """
    meters = sorted({reading.meter for reading in readings})
    if len(meters) > 1:
        raise ReadingError(f"usage is counted per meter, not for {', '.join(meters)} together")
    ordered = sorted(readings, key=lambda reading: reading.at)
    return [_between(before, after, digits) for before, after in pairwise(ordered)]


def _between(before: Reading, after: Reading, digits: int | None) -> Usage:
    """Give the usage between two neighbouring readings."""
    when = after.at.isoformat()
    if before.at == after.at:
        raise ReadingError(f"two readings at {when}")
    used = after.register - before.register
    if used < Energy.zero():
        if digits is None:
            raise ReadingError(f"the register went down to {after.register} at {when}")
        used += Energy.of(10**digits, "kWh")
    if used < Energy.zero():
        raise ReadingError(f"{before.register} does not fit on {digits} digits")
    return Usage(Interval(before.at, after.at), used)


def spread(usage: Usage, step: timedelta = QUARTER_HOUR) -> Iterator[Usage]:
    """Cut a usage at the grid of a step, as if the power had been constant.

    Args:
        usage: The usage to cut.
        step: The distance between two grid points.

    Yields:
        The parts in order. They add up to the whole exactly: what rounding leaves goes to the last.
    """
    mean = usage.power
    rest = usage.energy
    for piece in usage.interval.split(step):
        if piece.end == usage.interval.end:
            yield Usage(piece, rest)
            return
        part = Energy(mean.over(piece.duration).base.quantize(_GRAIN))
        rest -= part
        yield Usage(piece, part)


def resample(parts: Iterable[Usage], step: timedelta) -> list[Usage]:
    """Add usage up to regular intervals.

    Args:
        parts: Any usage.
        step: The length of each interval of the result.

    Returns:
        One usage of full length for each grid interval that any usage falls into, in order of
        time. A grid interval that is covered only in part holds just what is known.
    """
    sums: dict[Interval, Energy] = {}
    for usage in parts:
        for part in spread(usage, step):
            start = floor(part.interval.start, step)
            slot = Interval(start, start + step)
            sums[slot] = sums.get(slot, Energy.zero()) + part.energy
    return [Usage(slot, sums[slot]) for slot in sorted(sums)]


def daily(parts: Iterable[Usage], zone: tzinfo) -> dict[date, Energy]:
    """Add usage up to calendar days.

    Args:
        parts: Any usage.
        zone: The time zone whose days count.

    Returns:
        The energy of each day that any usage falls into, in order of time.
    """
    sums: dict[date, Energy] = {}
    for usage in parts:
        for part in spread(usage):
            day = part.interval.start.astimezone(zone).date()
            sums[day] = sums.get(day, Energy.zero()) + part.energy
    return dict(sorted(sums.items()))
