"""Tests of the models against series whose future is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from units import Energy

from forecast import ForecastError, Harmonic, Model, Profile, Series


def make(values: np.ndarray) -> Series:
    """Make a series of hours."""
    return Series(datetime(2024, 3, 1, tzinfo=UTC), timedelta(hours=1), values)


def test_harmonic_finds_the_exact_wave(wave: Series) -> None:
    """Without noise the fit continues the wave and the trend."""
    fit = Harmonic(period=24, waves=1).fit(wave)
    hours = np.arange(240, 264)
    expected = 1 + 0.001 * hours + 0.5 * np.sin(2 * np.pi * hours / 24)
    assert np.allclose(fit.predict(24), expected)
    assert fit.deviation < 1e-9


def test_harmonic_estimates_the_noise(noisy: Series) -> None:
    """The deviation is that of the noise, which was 0.1."""
    assert Harmonic(period=24).fit(noisy).deviation == pytest.approx(0.1, rel=0.15)


def test_profile_repeats_the_mean() -> None:
    """A period of two, and a history that ends in the middle of it."""
    history = np.array([1.0, 5.0, 3.0, 7.0, 2.0])
    fit = Profile(period=2).fit(make(history))
    assert fit.predict(3).tolist() == [6.0, 2.0, 6.0]


def test_points_follow_the_history(wave: Series) -> None:
    """The first step begins where the history ends."""
    first, second = Profile(period=24).fit(wave).points(2)
    assert first.interval.start == wave.end
    assert second.interval.start == first.interval.end
    assert first.low < first.mean < first.high


def test_energy_is_never_below_zero() -> None:
    """The range ends at zero where the model would go below it."""
    (point,) = Profile(period=1).fit(make(np.array([0.0, 0.0, 1.0]))).points(1)
    assert point.low == Energy.zero()
    assert point.mean > Energy.zero()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Profile(period=0), "at least one step"),
        (Profile(period=241), "241 steps of history are needed, there are 240"),
        (Harmonic(period=24, waves=12), "12 waves do not fit into 24"),
        (Harmonic(period=24, waves=0), "0 waves"),
        (Harmonic(period=300), "300 steps of history"),
    ],
)
def test_models_that_make_no_sense(wave: Series, model: Model, message: str) -> None:
    """Too little history or too many parameters are errors, not bad forecasts."""
    with pytest.raises(ForecastError, match=message):
        model.fit(wave)
