"""Reports as plain text, Markdown and CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from grid_core import Flow
from units import Power


class Row(NamedTuple):
    """One line of the network in a report, ready to print."""

    line: str
    """The name of the line."""
    carries: str
    """What it carries."""
    rating: str
    """What it may carry."""
    use: str
    """The share of the rating in percent."""
    note: str
    """``OVERLOAD`` where it carries too much, else empty."""


HEADER = Row("line", "carries", "rating", "use", "")
"""The names of the columns; the last one speaks for itself."""


def rows(flows: Iterable[Flow]) -> list[Row]:
    """Make the rows of a report.

    Args:
        flows: What the lines carry.

    Returns:
        One row for each line: the fullest first, by name where two are equally full.
    """
    ordered = sorted(flows, key=lambda flow: (-flow.utilisation, flow.line.name))
    return [
        Row(
            flow.line.name,
            str(Power.of(flow.watts, "W")),
            str(Power.of(flow.line.rating, "W")),
            f"{flow.utilisation:.0%}".replace("%", " %"),
            "OVERLOAD" if flow.overloaded else "",
        )
        for flow in ordered
    ]


def text(report: Sequence[Row]) -> str:
    """Write a report in aligned columns.

    Args:
        report: The rows.

    Returns:
        The text, which ends with a line break.
    """
    lines = [HEADER, *report]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "".join(f"{line.rstrip()}\n" for line in padded)


def markdown(report: Sequence[Row]) -> str:
    """Write a report as a Markdown table.

    Args:
        report: The rows.

    Returns:
        The table. A bar in a name is escaped, so that it does not open a column.
    """
    lines = [HEADER, Row(*["---"] * len(HEADER)), *report]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def comma_separated(report: Sequence[Row]) -> str:
    """Write a report as CSV.

    Args:
        report: The rows.

    Returns:
        The text, with a first line of names; here the last column has one as well.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(report)
    return stream.getvalue()


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "text": text,
    "markdown": markdown,
    "csv": comma_separated,
}
"""Every form of a report by its name."""
