"""Tests of numbers, prefixes and unit symbols."""

from decimal import Decimal

import pytest

from units.scale import Number, UnitError, factor, human, parse, plain, to_decimal


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, "0.1"), (3, "3"), ("2.50", "2.50"), (Decimal("1E+3"), "1000"), (1e-7, "0.0000001")],
)
def test_numbers_become_exact_decimals(value: Number, expected: str) -> None:
    """Every kind of number keeps the digits a person would read."""
    assert to_decimal(value) == Decimal(expected)


@pytest.mark.parametrize("value", ["", "1,5", "NaN", float("inf")])
def test_what_is_no_number_is_refused(value: Number) -> None:
    """Text, commas and infinities are errors, not zeros."""
    with pytest.raises(UnitError):
        to_decimal(value)


@pytest.mark.parametrize(("unit", "expected"), [("Wh", 1), ("kWh", 1000), ("GWh", 10**9)])
def test_factor(unit: str, expected: int) -> None:
    """A prefix multiplies the base unit."""
    assert factor(unit, "Wh") == expected


@pytest.mark.parametrize("unit", ["kW", "KWh", "", "xWh"])
def test_unknown_units_name_the_known_ones(unit: str) -> None:
    """The message helps with the next attempt."""
    with pytest.raises(UnitError, match="kWh"):
        factor(unit, "Wh")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.5 kWh", "2500"), ("7Wh", "7"), (" -1 MWh ", "-1000000"), ("1_000 Wh", "1000")],
)
def test_parse(text: str, expected: str) -> None:
    """Amounts are read with and without a space, a sign and digit groups."""
    assert parse(text, "Wh") == Decimal(expected)


@pytest.mark.parametrize("text", ["kWh", "2.5", "2,5 kWh", "1 kWh 2 Wh", "--1 Wh"])
def test_parse_refuses_half_amounts(text: str) -> None:
    """An amount without number or unit is an error."""
    with pytest.raises(UnitError):
        parse(text, "Wh")


@pytest.mark.parametrize(
    ("number", "expected"),
    [("1E+4", "10000"), ("2.500", "2.5"), ("-0.0", "0"), ("100", "100")],
)
def test_plain(number: str, expected: str) -> None:
    """No exponent, no trailing zeros, no negative zero."""
    assert plain(Decimal(number)) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", "0 Wh"),
        ("999", "999 Wh"),
        ("1000", "1 kWh"),
        ("-2500000", "-2.5 MWh"),
        ("0.25", "250 mWh"),
        ("5E+13", "50000 GWh"),
    ],
)
def test_human(amount: str, expected: str) -> None:
    """The largest fitting prefix is chosen on both sides of zero."""
    assert human(Decimal(amount), "Wh") == expected
