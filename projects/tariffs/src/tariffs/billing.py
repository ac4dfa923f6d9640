"""Bills: usage times price, and the standing charge."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from readings import Usage, spread
from units import Energy

from tariffs.model import Tariff, TariffError

_CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round an amount of money the commercial way.

    Args:
        amount: The exact amount.

    Returns:
        The amount with two digits after the point.
    """
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill.

    Attributes:
        band: The name of the band.
        energy: What was used while it held.
        amount: What that costs, rounded.
    """

    band: str
    energy: Energy
    amount: Decimal

    def __str__(self) -> str:
        """Write the line for a person."""
        return f"{self.band}: {self.energy}, {self.amount}"


@dataclass(frozen=True, slots=True)
class Bill:
    """What some usage costs under a tariff.

    Attributes:
        tariff: The name of the tariff.
        currency: The currency of all amounts.
        lines: One line for each band of the tariff, also where nothing was used.
        days: How many calendar days the usage touches.
        standing: The standing charge of those days, rounded.
    """

    tariff: str
    currency: str
    lines: tuple[Line, ...]
    days: int
    standing: Decimal

    @property
    def energy(self) -> Energy:
        """All energy on the bill."""
        return sum((line.energy for line in self.lines), start=Energy.zero())

    @property
    def total(self) -> Decimal:
        """The sum of the rounded amounts, so that the bill adds up on paper."""
        return sum((line.amount for line in self.lines), start=self.standing)


def bill(parts: Iterable[Usage], tariff: Tariff) -> Bill:
    """Make a bill.

    Usage over a change of price is shared out by time, as if the power had been constant.

    Args:
        parts: The usage, in any order.
        tariff: What it costs.

    Returns:
        The bill.
    """
    used = {band.name: Energy.zero() for band in tariff.bands}
    days: set[date] = set()
    for usage in parts:
        days.update(usage.interval.dates(tariff.zone))
        for part in spread(usage):
            used[tariff.band_at(part.interval.start).name] += part.energy
    lines = tuple(
        Line(band.name, used[band.name], cents(used[band.name].to("kWh") * band.price))
        for band in tariff.bands
    )
    standing = cents(tariff.standing * len(days))
    return Bill(tariff.name, tariff.currency, lines, len(days), standing)


def cheapest(parts: Sequence[Usage], tariffs: Sequence[Tariff]) -> list[Bill]:
    """Compare tariffs by what the same usage costs.

    Args:
        parts: The usage.
        tariffs: The tariffs, all in one currency.

    Returns:
        One bill for each tariff, the cheapest first.

    Raises:
        TariffError: The tariffs have different currencies.
    """
    currencies = sorted({tariff.currency for tariff in tariffs})
    if len(currencies) > 1:
        raise TariffError(f"cannot compare {' with '.join(currencies)}")
    return sorted((bill(parts, tariff) for tariff in tariffs), key=lambda made: made.total)
