"""Tests of bills."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from readings import Usage
from units import Energy, Interval

from tariffs import Band, Bill, Tariff, TariffError, bill, cheapest

NIGHT = Band("night", Decimal("0.20"), time(22), time(6))
DAY = Band("day", Decimal("0.40"))
TWO_PRICES = Tariff("two", "EUR", ZoneInfo("UTC"), Decimal("0.3"), (NIGHT, DAY))
ONE_PRICE = Tariff("one", "EUR", ZoneInfo("UTC"), Decimal("0.1"), (DAY,))


def usage(start: datetime, hours: float, kwh: str) -> Usage:
    """Make a usage of some hours."""
    return Usage(Interval(start, start + timedelta(hours=hours)), Energy.of(kwh, "kWh"))


EVENING = usage(datetime(2024, 3, 1, 21, tzinfo=UTC), 4, "8")


def test_usage_over_a_change_of_price() -> None:
    """One hour at the day price, three at the night price."""
    made = bill([EVENING], TWO_PRICES)
    assert [str(line) for line in made.lines] == ["night: 6 kWh, 1.20", "day: 2 kWh, 0.80"]
    assert made.energy == Energy.of(8, "kWh")


def test_the_standing_charge_counts_days_once() -> None:
    """Two usages on the same two days are two days."""
    made = bill([EVENING, EVENING], TWO_PRICES)
    assert (made.days, made.standing) == (2, Decimal("0.60"))
    assert made.total == Decimal("4.60")


def test_the_bill_adds_up_on_paper() -> None:
    """Each line is rounded up from half a cent, and the total is the sum of the lines."""
    made = bill([usage(datetime(2024, 3, 1, 12, tzinfo=UTC), 1, "0.0125")], TWO_PRICES)
    assert [line.amount for line in made.lines] == [Decimal("0.00"), Decimal("0.01")]
    assert made.total == Decimal("0.31")


def test_no_usage_costs_nothing() -> None:
    """Without a day there is no standing charge either."""
    made = bill([], TWO_PRICES)
    assert (made.total, made.days) == (0, 0)


def test_a_price_below_zero() -> None:
    """Taking energy off the market's hands lowers the bill."""
    gift = Tariff("gift", "EUR", ZoneInfo("UTC"), Decimal(0), (Band("all", Decimal("-0.1")),))
    assert bill([EVENING], gift).total == Decimal("-0.80")


def test_the_cheapest_comes_first() -> None:
    """Night prices pay off for usage at night."""
    made: list[Bill] = cheapest([EVENING], [ONE_PRICE, TWO_PRICES])
    assert [(one.tariff, one.total) for one in made] == [
        ("two", Decimal("2.60")),
        ("one", Decimal("3.40")),
    ]


def test_currencies_do_not_mix() -> None:
    """Ten francs and ten euros are not the same."""
    francs = Tariff("ch", "CHF", ZoneInfo("UTC"), Decimal(0), (DAY,))
    with pytest.raises(TariffError, match="CHF with EUR"):
        cheapest([EVENING], [ONE_PRICE, francs])
