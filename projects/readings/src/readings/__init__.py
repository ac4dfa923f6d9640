"""Electricity meter readings: loading, checking, and the usage between them."""

from readings.check import Issue, Kind, Limits, check
from readings.load import load
from readings.model import Reading, ReadingError, Usage
from readings.usage import daily, resample, spread, usages

__all__ = [
    "Issue",
    "Kind",
    "Limits",
    "Reading",
    "ReadingError",
    "Usage",
    "check",
    "daily",
    "load",
    "resample",
    "spread",
    "usages",
]
