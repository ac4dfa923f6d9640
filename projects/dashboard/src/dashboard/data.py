"""What the service shows, read from the files that the settings name."""

from dataclasses import dataclass
from datetime import date

from readings import Reading, ReadingError, Usage, daily, load, usages
from tariffs import Bill, bill, load_tariff
from units import Energy

from dashboard.settings import Settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the files at one moment.

    Attributes:
        readings: How many readings of the meter there are.
        days: The usage of each day.
        bill: What it costs, if a tariff is set.
    """

    readings: int
    days: dict[date, Energy]
    bill: Bill | None

    def usage_json(self) -> list[dict[str, str]]:
        """Give the usage for JSON.

        Returns:
            One object for each day. Numbers are text, so that no digit gets lost on the way.
        """
        return [
            {"day": day.isoformat(), "kwh": f"{energy.to('kWh'):.3f}"}
            for day, energy in self.days.items()
        ]

    def bill_json(self) -> dict[str, object] | None:
        """Give the bill for JSON.

        Returns:
            The bill as an object, or nothing where there is no tariff.
        """
        if self.bill is None:
            return None
        return {
            "tariff": self.bill.tariff,
            "currency": self.bill.currency,
            "days": self.bill.days,
            "standing": str(self.bill.standing),
            "total": str(self.bill.total),
            "lines": [
                {
                    "band": line.band,
                    "kwh": f"{line.energy.to('kWh'):.3f}",
                    "amount": str(line.amount),
                }
                for line in self.bill.lines
            ],
        }


def take(settings: Settings) -> Snapshot:
    """Read the files.

    Args:
        settings: Which files, which meter, whose days.

    Returns:
        What they hold now.

    Raises:
        ValueError: A file cannot be used; the message says why.
    """
    found = _readings(settings)
    parts: list[Usage] = usages(found)
    tariff = load_tariff(settings.tariff) if settings.tariff else None
    return Snapshot(
        readings=len(found),
        days=daily(parts, settings.zone),
        bill=bill(parts, tariff) if tariff else None,
    )


def _readings(settings: Settings) -> list[Reading]:
    """Load the readings of the meter, if there is a file."""
    if settings.readings is None:
        return []
    found = load(settings.readings)
    if settings.meter is None:
        return found
    mine = [reading for reading in found if reading.meter == settings.meter]
    if not mine:
        raise ReadingError(f"{settings.readings}: no meter {settings.meter!r}")
    return mine
