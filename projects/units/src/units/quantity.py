"""The two quantities of electricity metering: :class:`Energy` and :class:`Power`."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Self

from units.scale import Number, UnitError, factor, human, parse, to_decimal

_MICROSECOND = timedelta(microseconds=1)
_HOUR = Decimal(timedelta(hours=1) // _MICROSECOND)


def _microseconds(span: timedelta) -> Decimal:
    """Give the exact length of a positive time span."""
    if span <= timedelta(0):
        raise UnitError(f"a time span of {span} has no energy or power")
    return Decimal(span // _MICROSECOND)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of one unit. Amounts of different quantities neither add nor compare.

    Attributes:
        base: The amount in the base unit of the quantity.
    """

    SYMBOL: ClassVar[str] = ""

    base: Decimal

    def __post_init__(self) -> None:
        """Refuse amounts that are no finite decimals."""
        object.__setattr__(self, "base", to_decimal(self.base))

    @classmethod
    def of(cls, value: Number, unit: str) -> Self:
        """Make an amount from a number and its unit.

        Args:
            value: The number.
            unit: Its unit, such as ``kWh``.

        Returns:
            The amount.
        """
        return cls(to_decimal(value) * factor(unit, cls.SYMBOL))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an amount from text such as ``2.5 kWh``.

        Args:
            text: The number and the unit, with or without a space between them.

        Returns:
            The amount.
        """
        return cls(parse(text, cls.SYMBOL))

    @classmethod
    def zero(cls) -> Self:
        """Give the amount of nothing, the start value for a sum.

        Returns:
            An amount of zero.
        """
        return cls(Decimal(0))

    def to(self, unit: str) -> Decimal:
        """Give the number that stands before a unit.

        Args:
            unit: The unit wanted, such as ``kWh``.

        Returns:
            The amount as a multiple of that unit.
        """
        return self.base / factor(unit, self.SYMBOL)

    def __add__(self, other: Self) -> Self:
        """Add an amount of the same quantity."""
        return type(self)(self.base + other.base) if type(other) is type(self) else NotImplemented

    def __sub__(self, other: Self) -> Self:
        """Take away an amount of the same quantity."""
        return type(self)(self.base - other.base) if type(other) is type(self) else NotImplemented

    def __neg__(self) -> Self:
        """Turn consumption into feed-in and back."""
        return type(self)(-self.base)

    def __mul__(self, times: Number) -> Self:
        """Multiply by a plain number."""
        return type(self)(self.base * to_decimal(times))

    def __bool__(self) -> bool:
        """Tell whether the amount is other than zero."""
        return self.base != 0

    def __str__(self) -> str:
        """Write the amount with a fitting prefix."""
        return human(self.base, self.SYMBOL)


@dataclass(frozen=True, order=True, slots=True)
class Energy(Quantity):
    """Energy, counted in watt hours: what a meter's register shows."""

    SYMBOL: ClassVar[str] = "Wh"

    def per(self, span: timedelta) -> "Power":
        """Give the mean power that makes this energy in a time span.

        Args:
            span: The time span, longer than nothing.

        Returns:
            The mean power.

        Raises:
            UnitError: The time span is zero or negative.
        """
        return Power(self.base * _HOUR / _microseconds(span))


@dataclass(frozen=True, order=True, slots=True)
class Power(Quantity):
    """Power, counted in watts: what an appliance draws."""

    SYMBOL: ClassVar[str] = "W"

    def over(self, span: timedelta) -> Energy:
        """Give the energy that this power makes in a time span.

        Args:
            span: The time span, longer than nothing.

        Returns:
            The energy.

        Raises:
            UnitError: The time span is zero or negative.
        """
        return Energy(self.base * _microseconds(span) / _HOUR)
