"""Energy, power and time intervals for electricity metering."""

from units.interval import QUARTER_HOUR, Interval, IntervalError
from units.quantity import Energy, Power
from units.scale import UnitError, to_decimal

__all__ = [
    "QUARTER_HOUR",
    "Energy",
    "Interval",
    "IntervalError",
    "Power",
    "UnitError",
    "to_decimal",
]
