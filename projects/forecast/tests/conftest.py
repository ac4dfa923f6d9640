"""Series that the tests share."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from forecast import Series

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def wave() -> Series:
    """Ten days of a pure daily wave on a slow trend, without noise."""
    hours = np.arange(240)
    values = 1 + 0.001 * hours + 0.5 * np.sin(2 * np.pi * hours / 24)
    return Series(START, HOUR, values)


@pytest.fixture
def noisy(wave: Series) -> Series:
    """The same with noise of a known size."""
    noise = np.random.default_rng(3).normal(0, 0.1, len(wave))
    return Series(wave.start, wave.step, wave.values + noise)
