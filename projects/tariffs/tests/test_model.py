"""Tests of bands and tariffs."""

from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tariffs import Band, Tariff, TariffError

BERLIN = ZoneInfo("Europe/Berlin")
DAY = Band("day", Decimal("0.34"))
NIGHT = Band("night", Decimal("0.22"), time(22), time(6))
WEEKEND = Band("weekend", Decimal("0.20"), days=frozenset({5, 6}))


def tariff(*bands: Band) -> Tariff:
    """Make a tariff of some bands."""
    return Tariff("test", "EUR", BERLIN, Decimal("0.35"), bands)


@pytest.mark.parametrize(
    ("clock", "inside"),
    [(time(22), True), (time(0), True), (time(5, 45), True), (time(6), False), (time(12), False)],
)
def test_a_band_over_midnight(clock: time, inside: bool) -> None:
    """Start belongs to the band, end does not."""
    assert NIGHT.covers(datetime.combine(datetime(2024, 3, 1), clock)) is inside


def test_a_band_within_a_day() -> None:
    """The usual case: noon is between ten and two."""
    noon = Band("noon", Decimal("0.1"), time(10), time(14))
    assert noon.covers(datetime(2024, 3, 1, 12))
    assert not noon.covers(datetime(2024, 3, 1, 14))


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (datetime(2024, 3, 1, 20, 45, tzinfo=UTC), "day"),
        (datetime(2024, 3, 1, 21, 0, tzinfo=UTC), "night"),
        (datetime(2024, 3, 1, 23, 0, tzinfo=UTC), "weekend"),
        (datetime(2024, 7, 1, 20, 0, tzinfo=UTC), "night"),
    ],
)
def test_the_first_band_on_the_local_clock_decides(at: datetime, name: str) -> None:
    """UTC plus one in winter, plus two in summer; Saturday begins at local midnight."""
    assert tariff(WEEKEND, NIGHT, DAY).band_at(at).name == name


def test_every_quarter_hour_needs_a_price() -> None:
    """The message names the first time without one."""
    with pytest.raises(TariffError, match=r"no price for mon 06:00"):
        tariff(WEEKEND, NIGHT)


def test_no_bands_no_tariff() -> None:
    """A tariff without any price is refused."""
    with pytest.raises(TariffError, match="no price for mon 00:00"):
        tariff()


def test_names_are_unique() -> None:
    """Otherwise a bill could not be read."""
    with pytest.raises(TariffError, match="share a name"):
        tariff(DAY, DAY)


@pytest.mark.parametrize("edge", [time(22, 10), time(22, 0, 1)])
def test_only_quarter_hours(edge: time) -> None:
    """A meter does not count in between."""
    with pytest.raises(TariffError, match="not on a quarter hour"):
        Band("odd", Decimal(1), start=edge)


@pytest.mark.parametrize("days", [frozenset[int](), frozenset({7})])
def test_days_exist(days: frozenset[int]) -> None:
    """There is no eighth day, and a band that never holds is a mistake."""
    with pytest.raises(TariffError, match="no such days"):
        Band("odd", Decimal(1), days=days)


def test_an_instant_needs_a_zone() -> None:
    """A clock time without zone is no instant."""
    with pytest.raises(TariffError, match="no time zone"):
        tariff(DAY).band_at(datetime(2024, 3, 1))
