"""Tests of networks."""

import pytest

from grid_core import GridError, Line, Network

LINES = [
    Line("right", "corner", "no. 2", 15_000),
    Line("main", "transformer", "corner", 60_000),
    Line("left", "corner", "no. 1", 15_000),
]
STREET = Network("transformer", LINES)


def test_lines_are_ordered_outwards() -> None:
    """Each line comes after the one that feeds it."""
    assert [line.name for line in STREET.lines] == ["main", "right", "left"]
    assert STREET.places() == ["transformer", "corner", "no. 2", "no. 1"]


def test_path() -> None:
    """The way to a house, and to the transformer itself."""
    assert [line.name for line in STREET.path("no. 1")] == ["main", "left"]
    assert STREET.path("transformer") == []


def test_no_such_place() -> None:
    """A path needs an end."""
    with pytest.raises(GridError, match="no place 'no. 3'"):
        STREET.path("no. 3")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (Line("more", "no. 1", "no. 2", 1), "'more' feeds 'no. 2', which is fed already"),
        (Line("back", "no. 1", "transformer", 1), "'back' feeds 'transformer'"),
        (Line("lost", "no. 8", "no. 9", 1), "'lost' is not connected to 'transformer'"),
        (Line("loop", "no. 9", "no. 9", 1), "'loop' is not connected"),
        (Line("left", "corner", "no. 3", 1), "two lines are called 'left'"),
    ],
)
def test_bad_networks(line: Line, message: str) -> None:
    """Rings, islands and equal names are refused."""
    with pytest.raises(GridError, match=message):
        Network("transformer", [*LINES, line])


def test_a_line_carries_something() -> None:
    """A rating of zero is a mistake in the data."""
    with pytest.raises(GridError, match="carries nothing"):
        Line("thin", "a", "b", 0)
