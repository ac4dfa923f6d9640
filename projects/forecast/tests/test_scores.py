"""Tests of scores and of the backtest."""

import numpy as np
import pytest

from forecast import ForecastError, Harmonic, Profile, Series, backtest, score


def test_score() -> None:
    """Errors of 0, 3 and 4 in three steps, two of them within the range."""
    found = score(np.array([1.0, 5.0, 2.0]), np.array([1.0, 2.0, 6.0]), half_range=3.0)
    assert found.mae == pytest.approx(7 / 3)
    assert found.rmse == pytest.approx((25 / 3) ** 0.5)
    assert found.hits == pytest.approx(2 / 3)


def test_a_score_prints_for_a_person() -> None:
    """Unit and share are there."""
    found = score(np.array([1.0, 2.0]), np.array([1.0, 1.0]), half_range=0.5)
    assert str(found) == "off by 0.500 kWh per step, 50% within the range"


@pytest.mark.parametrize(("actual", "predicted"), [(0, 0), (2, 3)])
def test_lengths_must_agree(actual: int, predicted: int) -> None:
    """Comparing nothing would be a perfect score."""
    with pytest.raises(ForecastError, match=f"{actual} values with {predicted}"):
        score(np.zeros(actual), np.zeros(predicted), half_range=1)


def test_backtest_prefers_the_right_model(noisy: Series) -> None:
    """A profile cannot follow the trend, the harmonic model can."""
    right = backtest(noisy, Harmonic(period=24, waves=1), horizon=48)
    wrong = backtest(noisy, Profile(period=24), horizon=48)
    assert right.mae < wrong.mae
    assert right.hits > 0.8


@pytest.mark.parametrize("horizon", [0, 240])
def test_backtest_needs_both_parts(wave: Series, horizon: int) -> None:
    """There must be something to learn from and something to forecast."""
    with pytest.raises(ForecastError, match=f"hold back {horizon} of 240"):
        backtest(wave, Profile(period=24), horizon)
