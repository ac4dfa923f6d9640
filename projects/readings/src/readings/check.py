"""Finding readings that a person should look at before a bill is made of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise

from units import Energy, Power

from readings.model import Reading


class Kind(StrEnum):
    """What is wrong with a reading."""

    DUPLICATE = "duplicate"
    """There is another reading of the same instant."""
    BACKWARD = "backward"
    """The register shows less than before."""
    GAP = "gap"
    """Too much time has passed since the reading before."""
    PEAK = "peak"
    """More was used than the fuse allows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What still counts as normal.

    Attributes:
        gap: The longest time between two readings.
        power: The highest mean power between two readings; a household fuse allows about 14 kW.
    """

    gap: timedelta = timedelta(days=1)
    power: Power = Power.of(14, "kW")


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding.

    Attributes:
        kind: What is wrong.
        meter: Whose reading it is.
        at: When the reading was taken.
        text: The details, for a person.
    """

    kind: Kind
    meter: str
    at: datetime
    text: str

    def __str__(self) -> str:
        """Write the finding on one line."""
        return f"{self.meter} {self.at.isoformat()} {self.kind}: {self.text}"


def check(readings: Iterable[Reading], limits: Limits | None = None) -> list[Issue]:
    """Look at every pair of neighbouring readings of each meter.

    Args:
        readings: Readings of any number of meters, in any order.
        limits: What counts as normal; by default, a household read at least daily.

    Returns:
        The findings, by meter and time. An empty list means that all is well.
    """
    wanted = limits or Limits()
    ordered = sorted(readings, key=lambda reading: (reading.meter, reading.at))
    issues: list[Issue] = []
    for _, group in groupby(ordered, key=lambda reading: reading.meter):
        for before, after in pairwise(group):
            issues.extend(
                Issue(kind, after.meter, after.at, text)
                for kind, text in _compare(before, after, wanted)
            )
    return issues


def _compare(before: Reading, after: Reading, limits: Limits) -> Iterator[tuple[Kind, str]]:
    """Yield what is wrong between two neighbouring readings."""
    passed = after.at - before.at
    if not passed:
        yield Kind.DUPLICATE, f"second reading of this instant, {after.register}"
        return
    if passed > limits.gap:
        yield Kind.GAP, f"{passed} since the reading before"
    used = after.register - before.register
    if used < Energy.zero():
        yield Kind.BACKWARD, f"register went from {before.register} to {after.register}"
    elif used.per(passed) > limits.power:
        yield Kind.PEAK, f"{used} in {passed} is more than {limits.power}"
