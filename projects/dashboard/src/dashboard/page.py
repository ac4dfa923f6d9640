"""The page for people.

Every text that comes from a file goes through :func:`html.escape`.
"""

from html import escape
from importlib.resources import files
from string import Template

from tariffs import Bill
from units import Energy

from dashboard.data import Snapshot

_WIDTH = 24
_HEIGHT = 120
_LABELS = 24


def resource(name: str) -> str:
    """Read a text file of this package.

    Args:
        name: Its name.

    Returns:
        Its text.
    """
    return files("dashboard").joinpath(name).read_text(encoding="utf-8")


def render(snapshot: Snapshot) -> str:
    """Write the page.

    Args:
        snapshot: What to show.

    Returns:
        The page in HTML.
    """
    total = sum(snapshot.days.values(), start=Energy.zero())
    return Template(resource("page.html")).substitute(
        summary=escape(
            f"{total} on {len(snapshot.days)} days, from {snapshot.readings} readings."
            if snapshot.days
            else "There are no readings yet."
        ),
        width=max(len(snapshot.days), 1) * _WIDTH,
        height=_HEIGHT + _LABELS,
        bars="\n".join(_bars(snapshot)),
        bill="\n".join(_bill(snapshot.bill)),
    )


def _bars(snapshot: Snapshot) -> list[str]:
    """Draw a bar with its number and its day for each day."""
    kwh = {day: float(energy.to("kWh")) for day, energy in snapshot.days.items()}
    scale = _HEIGHT / max([*kwh.values(), 1.0])
    bars: list[str] = []
    for place, (day, number) in enumerate(kwh.items()):
        size = number * scale
        top, middle = _HEIGHT - size + _LABELS / 2, place * _WIDTH + _WIDTH / 2
        bars.append(
            f'<rect x="{place * _WIDTH + 2}" y="{top:.1f}" width="{_WIDTH - 4}" '
            f'height="{size:.1f}"><title>{day.isoformat()}</title></rect>'
            f'<text x="{middle}" y="{top - 2:.1f}">{number:.1f}</text>'
            f'<text x="{middle}" y="{_HEIGHT + _LABELS - 2}">{day:%d.%m.}</text>'
        )
    return bars


def _bill(bill: Bill | None) -> list[str]:
    """Write the rows of the bill."""
    if bill is None:
        return ["<tr><td>No tariff is set.</td></tr>"]
    rows = [(line.band, str(line.energy), str(line.amount)) for line in bill.lines]
    rows.append(("standing charge", f"{bill.days} days", str(bill.standing)))
    rows.append((bill.tariff, str(bill.energy), f"{bill.total} {bill.currency}"))
    return ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
