"""Tests of the forms of a report."""

import csv
import io

from grid_core import Flow, Line

from grid_report import FORMATS, Row, rows

FLOWS = [
    Flow(Line("main", "t", "corner", 60_000), -7_000),
    Flow(Line("left | west", "corner", "no. 1", 15_000), 11_000),
    Flow(Line("right", "corner", "no. 2", 15_000), -18_000),
]


def test_the_fullest_line_comes_first() -> None:
    """Direction does not matter for that."""
    assert rows(FLOWS) == [
        Row("right", "-18 kW", "15 kW", "120 %", "OVERLOAD"),
        Row("left | west", "11 kW", "15 kW", "73 %", ""),
        Row("main", "-7 kW", "60 kW", "12 %", ""),
    ]


def test_equally_full_lines_go_by_name() -> None:
    """The order of a report does not depend on the order of the network."""
    flows = [Flow(Line(name, "t", name, 10), 5) for name in ("b", "a")]
    assert [row.line for row in rows(flows)] == ["a", "b"]


def test_text() -> None:
    """Columns are aligned, and no line ends in blanks."""
    assert FORMATS["text"](rows(FLOWS)) == (
        "line         carries  rating  use\n"
        "right        -18 kW   15 kW   120 %  OVERLOAD\n"
        "left | west  11 kW    15 kW   73 %\n"
        "main         -7 kW    60 kW   12 %\n"
    )


def test_markdown() -> None:
    """A bar in a name stays in its cell."""
    lines = FORMATS["markdown"](rows(FLOWS)).splitlines()
    assert lines[0] == "| line | carries | rating | use |  |"
    assert lines[1] == "| --- | --- | --- | --- | --- |"
    assert lines[3] == r"| left \| west | 11 kW | 15 kW | 73 % |  |"


def test_csv_can_be_read_back() -> None:
    """Every cell survives."""
    found = list(csv.reader(io.StringIO(FORMATS["csv"](rows(FLOWS)))))
    assert found[0] == ["line", "carries", "rating", "use", "note"]
    assert [Row(*cells) for cells in found[1:]] == rows(FLOWS)


def test_an_empty_network() -> None:
    """Only the header is left."""
    assert FORMATS["text"]([]) == "line  carries  rating  use\n"
