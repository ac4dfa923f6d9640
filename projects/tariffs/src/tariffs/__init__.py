"""Electricity tariffs with prices by time of day, and the bills they make."""

from tariffs.billing import Bill, Line, bill, cheapest
from tariffs.load import load_tariff, tariff_from
from tariffs.model import Band, Tariff, TariffError

__version__ = "0.4.0"

__all__ = [
    "Band",
    "Bill",
    "Line",
    "Tariff",
    "TariffError",
    "__version__",
    "bill",
    "cheapest",
    "load_tariff",
    "tariff_from",
]
