"""What a meter says, and what follows from two of its readings."""

from dataclasses import dataclass
from datetime import datetime

from units import Energy, Interval, Power


class ReadingError(ValueError):
    """Readings that cannot be loaded or make no sense together."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The register of one meter at one instant.

    Attributes:
        meter: The name or number of the meter.
        at: When it was read, with a time zone.
        register: What the register showed.
        estimated: Whether somebody guessed instead of looking.
    """

    meter: str
    at: datetime
    register: Energy
    estimated: bool = False

    def __post_init__(self) -> None:
        """Refuse readings that no meter can give."""
        if not self.meter:
            raise ReadingError("a reading needs the name of its meter")
        if self.at.tzinfo is None:
            raise ReadingError(f"the time {self.at.isoformat()} has no time zone")
        if self.register < Energy.zero():
            raise ReadingError(f"a register cannot show {self.register}")


@dataclass(frozen=True, slots=True)
class Usage:
    """The energy that went through a meter in an interval.

    Attributes:
        interval: From one reading to the next, or a part of that.
        energy: How much it was.
    """

    interval: Interval
    energy: Energy

    @property
    def power(self) -> Power:
        """The mean power over the interval."""
        return self.energy.per(self.interval.duration)
