"""How good a forecast is."""

from dataclasses import dataclass

import numpy as np

from forecast.models import Z95, Model
from forecast.series import ForecastError, Series, Values


@dataclass(frozen=True, slots=True)
class Score:
    """The errors of a forecast.

    Attributes:
        mae: The mean absolute error in kilowatt hours per step.
        rmse: The root of the mean squared error, which weighs large errors more.
        hits: The share of steps whose true value was within the range; 0.95 would be right.
    """

    mae: float
    rmse: float
    hits: float

    def __str__(self) -> str:
        """Write the score for a person."""
        return f"off by {self.mae:.3f} kWh per step, {self.hits:.0%} within the range"


def score(actual: Values, predicted: Values, half_range: float) -> Score:
    """Compare a forecast with what came true.

    Args:
        actual: What came true.
        predicted: What was expected, one number for each actual one.
        half_range: How far the range reaches to each side of what was expected.

    Returns:
        The score.

    Raises:
        ForecastError: There is nothing to compare, or the lengths differ.
    """
    if actual.size == 0 or actual.shape != predicted.shape:
        raise ForecastError(f"cannot compare {actual.size} values with {predicted.size}")
    errors = np.abs(actual - predicted)
    return Score(
        mae=float(np.mean(errors)),
        rmse=float(np.sqrt(np.mean(errors**2))),
        hits=float(np.mean(errors <= half_range)),
    )


def backtest(series: Series, model: Model, horizon: int) -> Score:
    """Forecast the end of a series from its beginning.

    Args:
        series: The whole history.
        model: The model to try.
        horizon: How many steps at the end to forecast.

    Returns:
        The score of the forecast of those steps.

    Raises:
        ForecastError: The horizon leaves no history.
    """
    if not 0 < horizon < len(series):
        raise ForecastError(f"cannot hold back {horizon} of {len(series)} steps")
    fit = model.fit(series.head(len(series) - horizon))
    return score(series.values[-horizon:], fit.predict(horizon), Z95 * fit.deviation)
