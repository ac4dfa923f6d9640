"""Tests of energy and power."""

from datetime import timedelta
from decimal import Decimal
from operator import add, lt, sub

import pytest

from units import Energy, Power, UnitError


def test_ten_tenths_are_one() -> None:
    """Sums do not drift as binary fractions do."""
    tenth = Energy.of("0.1", "kWh")
    assert sum([tenth] * 10, start=Energy.zero()) == Energy.of(1, "kWh")


def test_conversion() -> None:
    """The same amount in another unit."""
    assert Energy.parse("1.2 MWh").to("kWh") == Decimal(1200)


def test_arithmetic() -> None:
    """Amounts add, subtract, scale and change sign."""
    three, one = Energy.of(3, "kWh"), Energy.of(1, "kWh")
    assert three - one == one + one
    assert -one == one * -1
    assert three > one
    assert not Energy.zero()


def test_power_over_time_is_energy() -> None:
    """Twenty minutes of a heater and back again."""
    heater, span = Power.parse("1.8 kW"), timedelta(minutes=20)
    assert heater.over(span) == Energy.of(600, "Wh")
    assert Energy.of(600, "Wh").per(span) == heater


@pytest.mark.parametrize("span", [timedelta(0), timedelta(hours=-1)])
def test_no_time_no_power(span: timedelta) -> None:
    """A span of nothing is an error, not a division by zero."""
    with pytest.raises(UnitError, match="time span"):
        Energy.of(1, "kWh").per(span)
    with pytest.raises(UnitError, match="time span"):
        Power.of(1, "kW").over(span)


@pytest.mark.parametrize("operation", [add, sub, lt])
def test_energy_and_power_do_not_mix(operation: type) -> None:
    """What has different units can neither be added nor compared."""
    with pytest.raises(TypeError):
        operation(Energy.of(1, "kWh"), Power.of(1, "kW"))


def test_energy_is_not_power_of_the_same_number() -> None:
    """Equality looks at the quantity as well."""
    assert Energy(Decimal(1)) != Power(Decimal(1))


def test_text() -> None:
    """A quantity prints with its unit."""
    assert f"{Energy.of(2500, 'Wh')} at {Power.of(90, 'W')}" == "2.5 kWh at 90 W"


def test_not_a_number() -> None:
    """An amount that is no number cannot exist."""
    with pytest.raises(UnitError):
        Energy(Decimal("NaN"))
