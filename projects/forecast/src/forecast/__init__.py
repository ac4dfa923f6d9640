"""Forecasts of household electricity usage."""

from forecast.models import Fit, Harmonic, Model, Point, Profile
from forecast.scores import Score, backtest, score
from forecast.series import ForecastError, Series

__all__ = [
    "Fit",
    "ForecastError",
    "Harmonic",
    "Model",
    "Point",
    "Profile",
    "Score",
    "Series",
    "backtest",
    "score",
]
