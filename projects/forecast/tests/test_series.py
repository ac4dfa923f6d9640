"""Tests of series."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from readings import Usage
from units import Energy, Interval

from forecast import ForecastError, Series

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def usage(begin: float, end: float, kwh: str) -> Usage:
    """Make a usage between two hours after the start."""
    return Usage(Interval(START + begin * HOUR, START + end * HOUR), Energy.of(kwh, "kWh"))


def test_from_usages() -> None:
    """Two hours at once are shared out evenly; order does not matter."""
    series = Series.from_usages([usage(2, 3, "5"), usage(0, 2, "2")], HOUR)
    assert series.values.tolist() == [1.0, 1.0, 5.0]
    assert (series.start, series.end, len(series)) == (START, START + 3 * HOUR, 3)


def test_half_steps_at_the_ends_are_left_out() -> None:
    """Half an hour of usage must not look like a quiet hour."""
    series = Series.from_usages([usage(0.5, 3.5, "3")], HOUR)
    assert series.values.tolist() == [1.0, 1.0]
    assert series.start == START + HOUR


@pytest.mark.parametrize("begin", [1.25, 0.75])
def test_gaps_and_overlaps(begin: float) -> None:
    """Neither may be taken for usage."""
    with pytest.raises(ForecastError, match="gap or overlap at 2024-03-01T01:00"):
        Series.from_usages([usage(0, 1, "1"), usage(begin, 2, "1")], HOUR)


@pytest.mark.parametrize("parts", [[], [usage(0.25, 0.75, "1")]])
def test_not_one_whole_step(parts: list[Usage]) -> None:
    """A series has at least one value."""
    with pytest.raises(ForecastError, match="no whole step"):
        Series.from_usages(parts, HOUR)


def test_head() -> None:
    """The start stays, the rest is cut off."""
    head = Series(START, HOUR, np.array([1.0, 2.0, 3.0])).head(2)
    assert (head.start, head.values.tolist()) == (START, [1.0, 2.0])


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.array([1.0, np.nan])])
def test_bad_arrays(values: np.ndarray) -> None:
    """Tables and missing numbers are refused."""
    with pytest.raises(ForecastError):
        Series(START, HOUR, values)
