"""The models: a repeated profile, and a trend with waves.

A model is a value that says what to fit; :meth:`Model.fit` gives a :class:`Fit` that forecasts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import numpy as np
from units import Energy, Interval

from forecast.series import ForecastError, Series, Values

Z95 = 1.96
"""How many standard deviations on each side hold 95 % of a normal distribution."""

_GRAIN = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Point:
    """The forecast for one step.

    Attributes:
        interval: The step.
        mean: The energy to expect.
        low: The lower end of the range that holds 19 of 20 cases; never below zero.
        high: Its upper end.
    """

    interval: Interval
    mean: Energy
    low: Energy
    high: Energy


@dataclass(frozen=True, slots=True)
class Fit:
    """A model with its parameters found.

    Attributes:
        start: The start of the first step to forecast.
        step: The length of each step.
        deviation: The standard deviation of the model's errors on its history, in kilowatt hours.
        predict: Gives the expected values of the next so many steps.
    """

    start: datetime
    step: timedelta
    deviation: float
    predict: Callable[[int], Values]

    def points(self, count: int) -> Iterator[Point]:
        """Forecast the steps that follow the history.

        Args:
            count: How many steps.

        Yields:
            One point for each step, in order.
        """
        half = Z95 * self.deviation
        for number, mean in enumerate(self.predict(count)):
            begin = self.start + number * self.step
            yield Point(
                Interval(begin, begin + self.step),
                _energy(mean),
                _energy(mean - half),
                _energy(mean + half),
            )


class Model(Protocol):
    """Anything that can be fitted to a series."""

    def fit(self, series: Series) -> Fit:
        """Find the parameters.

        Args:
            series: The history.

        Returns:
            The fitted model, ready to forecast what follows.
        """
        ...


@dataclass(frozen=True, slots=True)
class Profile:
    """Repeats the mean of each place in a period, such as each hour of the week.

    Attributes:
        period: How many steps make a period.
    """

    period: int

    def fit(self, series: Series) -> Fit:
        """Take the mean over all periods.

        Args:
            series: The history, at least one period long.

        Returns:
            The fitted model.

        Raises:
            ForecastError: The history is shorter than a period.
        """
        _need(series, self.period, self.period)
        places = np.arange(len(series)) % self.period
        counts = np.bincount(places, minlength=self.period)
        means = np.bincount(places, series.values, minlength=self.period) / counts

        def predict(count: int) -> Values:
            following = np.arange(len(series), len(series) + count)
            return means[following % self.period]

        errors = series.values - means[places]
        return Fit(series.end, series.step, _deviation(errors, self.period), predict)


@dataclass(frozen=True, slots=True)
class Harmonic:
    """A straight trend plus sine waves, found by least squares.

    Attributes:
        period: How many steps the longest wave takes.
        waves: How many waves; each is a whole fraction of the period.
    """

    period: int
    waves: int = 3

    def fit(self, series: Series) -> Fit:
        """Solve the least squares problem.

        Args:
            series: The history, longer than a period and than the number of parameters.

        Returns:
            The fitted model.

        Raises:
            ForecastError: The history is too short, or there are more waves than steps allow.
        """
        if not 0 < 2 * self.waves < self.period:
            raise ForecastError(f"{self.waves} waves do not fit into {self.period} steps")
        parameters = 2 + 2 * self.waves
        _need(series, self.period, max(self.period, parameters + 1))
        steps = np.arange(len(series), dtype=np.float64)
        design = self._design(steps)
        found = np.linalg.lstsq(design, series.values, rcond=None)[0]

        def predict(count: int) -> Values:
            return self._design(steps[-1] + 1 + np.arange(count)) @ found

        errors = series.values - design @ found
        return Fit(series.end, series.step, _deviation(errors, parameters), predict)

    def _design(self, steps: Values) -> Values:
        """Make the matrix with one row for each step and one column for each parameter."""
        angles = 2 * np.pi * steps / self.period
        columns = [np.ones_like(steps), steps / self.period]
        for wave in range(1, self.waves + 1):
            columns += [np.sin(wave * angles), np.cos(wave * angles)]
        return np.column_stack(columns)


def _need(series: Series, period: int, least: int) -> None:
    """Refuse a history that is too short for a model."""
    if period < 1:
        raise ForecastError(f"a period has at least one step, not {period}")
    if len(series) < least:
        raise ForecastError(f"{least} steps of history are needed, there are {len(series)}")


def _deviation(errors: Values, parameters: int) -> float:
    """Estimate the standard deviation of errors, given how many parameters were fitted."""
    freedom = max(int(errors.size) - parameters, 1)
    return float(np.sqrt(np.sum(errors**2) / freedom))


def _energy(kwh: float) -> Energy:
    """Make an energy of a number, to the milliwatt hour and not below zero."""
    return Energy(max(Energy.of(float(kwh), "kWh").base.quantize(_GRAIN), Decimal(0)))
