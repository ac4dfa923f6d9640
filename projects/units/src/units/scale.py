"""Decimal numbers with an SI prefix and a unit symbol.

Everything here works on text and :class:`decimal.Decimal`; which symbols exist (``W``, ``Wh``) is
decided by :mod:`units.quantity`.
"""

import re
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

Number = Decimal | int | float | str

PREFIXES = MappingProxyType(
    {
        "m": Decimal("0.001"),
        "": Decimal(1),
        "k": Decimal(1_000),
        "M": Decimal(1_000_000),
        "G": Decimal(1_000_000_000),
    }
)
"""The SI prefixes that occur in metering, smallest first, with their factors."""

_AMOUNT = re.compile(r"\s*([+-]?[0-9][0-9_]*(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")


class UnitError(ValueError):
    """A number or a unit that cannot be understood."""


def to_decimal(value: Number) -> Decimal:
    """Turn a number into an exact decimal.

    A float is taken as the shortest text that stands for it, so ``0.1`` becomes one tenth and not
    the binary fraction beside it.

    Args:
        value: A number, or the text of one.

    Returns:
        The same number as a finite decimal.

    Raises:
        UnitError: The value is no number, or it is infinite.
    """
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise UnitError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise UnitError(f"{value!r} is not a finite number")
    return number


def factor(unit: str, symbol: str) -> Decimal:
    """Say how many base units one prefixed unit is.

    Args:
        unit: The prefixed unit, such as ``kWh``.
        symbol: The base unit, such as ``Wh``.

    Returns:
        The factor between the two, such as 1000.

    Raises:
        UnitError: The unit is not the symbol with a known prefix.
    """
    prefix = unit.removesuffix(symbol)
    if prefix == unit or prefix not in PREFIXES:
        known = ", ".join(f"{name}{symbol}" for name in PREFIXES)
        raise UnitError(f"unknown unit {unit!r}, expected one of {known}")
    return PREFIXES[prefix]


def parse(text: str, symbol: str) -> Decimal:
    """Read an amount with its unit.

    Args:
        text: The amount, such as ``2.5 kWh``.
        symbol: The base unit that the amount must be a multiple of.

    Returns:
        The amount in base units.

    Raises:
        UnitError: The text is no amount, or one of another unit.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not an amount, expected something like '2.5 k{symbol}'")
    return to_decimal(match[1]) * factor(match[2], symbol)


def plain(number: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros.

    Args:
        number: Any finite decimal.

    Returns:
        The shortest usual text of the number.
    """
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def human(amount: Decimal, symbol: str) -> str:
    """Write an amount with the largest prefix that leaves at least one before the point.

    Args:
        amount: The amount in base units.
        symbol: The base unit.

    Returns:
        The amount as a person would write it, such as ``2.5 kWh``. No digit is dropped.
    """
    chosen = "" if amount == 0 else next(iter(PREFIXES))
    for prefix, size in PREFIXES.items():
        if amount != 0 and abs(amount) >= size:
            chosen = prefix
    return f"{plain(amount / PREFIXES[chosen])} {chosen}{symbol}"
