"""The commands: each turns its options into a table and an exit status."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from forecast import Harmonic, Model, Profile, Series
from readings import Limits, Reading, ReadingError, check, daily, load, usages
from tariffs import cheapest, load_tariff
from units import Energy, Power

from meterctl.table import Table

_HOUR = timedelta(hours=1)
_DAY = 24


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for; each command looks at what concerns it.

    Attributes:
        command: The name of the command.
        file: The file with the readings.
        meter: The meter to look at; needed where the file has several.
        digits: How many digits before the point the register has.
        json: Whether to print JSON.
        zone: The time zone whose calendar counts.
        tariffs: The tariff files.
        steps: How many hours to forecast.
        model: The name of the model that forecasts.
        max_gap: The longest normal time between two readings, in hours.
        max_power: The highest normal power, in kilowatts.
    """

    command: str
    file: Path
    meter: str | None = None
    digits: int | None = None
    json: bool = False
    zone: ZoneInfo = ZoneInfo("UTC")
    tariffs: tuple[Path, ...] = ()
    steps: int = _DAY
    model: str = "profile"
    max_gap: float = _DAY
    max_power: float = 14


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found.

    Attributes:
        table: What to print.
        status: The exit status of the program.
    """

    table: Table
    status: int = 0


MODELS: dict[str, Model] = {
    "profile": Profile(period=_DAY),
    "week": Profile(period=7 * _DAY),
    "waves": Harmonic(period=_DAY),
}
"""The models that ``forecast`` offers, all of them for hours."""


def run_check(options: Options) -> Result:
    """List the readings that a person should look at.

    Args:
        options: File, meter and limits.

    Returns:
        The issues, with status 1 if there are any.
    """
    limits = Limits(timedelta(hours=options.max_gap), Power.of(options.max_power, "kW"))
    issues = check(_load(options), limits)
    rows = [(one.meter, one.at.isoformat(), str(one.kind), one.text) for one in issues]
    return Result(Table(("meter", "at", "issue", "details"), rows), status=1 if issues else 0)


def run_usage(options: Options) -> Result:
    """Add up the usage of each day.

    Args:
        options: File, meter and time zone.

    Returns:
        One row for each day.
    """
    days = daily(usages(_one_meter(options), options.digits), options.zone)
    rows = [(day.isoformat(), _kwh(energy)) for day, energy in days.items()]
    return Result(Table(("day", "kWh"), rows))


def run_cost(options: Options) -> Result:
    """Compare what tariffs would cost.

    Args:
        options: File, meter and tariffs.

    Returns:
        One row for each tariff, the cheapest first.
    """
    parts = usages(_one_meter(options), options.digits)
    bills = cheapest(parts, [load_tariff(path) for path in options.tariffs])
    rows = [
        (one.tariff, f"{_kwh(one.energy)} kWh", str(one.standing), f"{one.total} {one.currency}")
        for one in bills
    ]
    return Result(Table(("tariff", "energy", "standing", "total"), rows))


def run_forecast(options: Options) -> Result:
    """Forecast the usage of the next hours.

    Args:
        options: File, meter, model, time zone and number of hours.

    Returns:
        One row for each hour.
    """
    series = Series.from_usages(usages(_one_meter(options), options.digits), _HOUR)
    points = MODELS[options.model].fit(series).points(options.steps)
    rows = [
        (
            point.interval.start.astimezone(options.zone).strftime("%Y-%m-%d %H:%M"),
            _kwh(point.mean),
            _kwh(point.low),
            _kwh(point.high),
        )
        for point in points
    ]
    return Result(Table(("hour", "kWh", "low", "high"), rows))


COMMANDS: dict[str, Callable[[Options], Result]] = {
    "check": run_check,
    "usage": run_usage,
    "cost": run_cost,
    "forecast": run_forecast,
}
"""Every command by its name."""


def _load(options: Options) -> list[Reading]:
    """Load the readings of the meter asked for, or all of them."""
    found = load(options.file)
    if options.meter is None:
        return found
    mine = [reading for reading in found if reading.meter == options.meter]
    if not mine:
        names = ", ".join(sorted({reading.meter for reading in found}))
        raise ReadingError(f"{options.file}: no meter {options.meter!r}, there is {names}")
    return mine


def _one_meter(options: Options) -> list[Reading]:
    """Load the readings of a single meter."""
    found = _load(options)
    names = sorted({reading.meter for reading in found})
    if len(names) > 1:
        raise ReadingError(f"{options.file}: choose one with --meter: {', '.join(names)}")
    return found


def _kwh(energy: Energy) -> str:
    """Write an energy in kilowatt hours, with as many digits as a meter shows."""
    return f"{energy.to('kWh'):.1f}"
