"""Tariffs: which price holds when."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from units import QUARTER_HOUR

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The names of the days of a week, as :meth:`datetime.date.weekday` counts them."""

_ANY_DAY = frozenset(range(len(WEEKDAYS)))
_MONDAY = datetime(2024, 1, 1)
_WEEK = [_MONDAY + n * QUARTER_HOUR for n in range(timedelta(days=7) // QUARTER_HOUR)]


class TariffError(ValueError):
    """A tariff that cannot be loaded or has no price for some time."""


@dataclass(frozen=True, slots=True)
class Band:
    """A price and the time it holds.

    Attributes:
        name: What the band is called on the bill.
        price: The price of one kilowatt hour; it may be negative.
        start: The local time at which the band begins.
        end: The local time at which it ends. A band that ends at or before its start runs over
            midnight; one that ends when it starts holds all day.
        days: The days of the week on which the band holds, 0 for Monday. The hours after midnight
            count for the day they are on.
    """

    name: str
    price: Decimal
    start: time = time(0)
    end: time = time(0)
    days: frozenset[int] = _ANY_DAY

    def __post_init__(self) -> None:
        """Refuse bands that meters cannot count."""
        for edge in (self.start, self.end):
            if (edge.minute % 15, edge.second, edge.microsecond) != (0, 0, 0):
                raise TariffError(f"band {self.name!r}: {edge} is not on a quarter hour")
        if not self.days or not self.days <= _ANY_DAY:
            raise TariffError(f"band {self.name!r}: no such days, {sorted(self.days)}")

    def covers(self, local: datetime) -> bool:
        """Tell whether the band holds at a local time.

        Args:
            local: The time on a clock in the tariff's zone.

        Returns:
            Whether both the day and the time of day fit.
        """
        if local.weekday() not in self.days:
            return False
        now = local.time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a supplier charges.

    Attributes:
        name: What the tariff is called.
        currency: The currency of all its prices, such as ``EUR``.
        zone: The time zone whose clock decides.
        standing: The price of a day, whatever was used.
        bands: The prices of energy. Where several hold, the first decides.
    """

    name: str
    currency: str
    zone: ZoneInfo
    standing: Decimal
    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        """Make sure that there is a price for every quarter hour of a week."""
        names = [band.name for band in self.bands]
        if len(set(names)) < len(names):
            raise TariffError(f"{self.name}: two bands share a name")
        for local in _WEEK:
            if self._find(local) is None:
                when = f"{WEEKDAYS[local.weekday()]} {local:%H:%M}"
                raise TariffError(f"{self.name}: there is no price for {when}")

    def _find(self, local: datetime) -> Band | None:
        """Give the first band that holds at a local time."""
        return next((band for band in self.bands if band.covers(local)), None)

    def band_at(self, at: datetime) -> Band:
        """Find the price that holds at an instant.

        Args:
            at: The instant, with a time zone.

        Returns:
            The band that decides.

        Raises:
            TariffError: The instant has no time zone.
        """
        band = self._find(at.astimezone(self.zone)) if at.tzinfo else None
        if band is None:
            raise TariffError(f"{self.name}: {at} has no time zone")
        return band
