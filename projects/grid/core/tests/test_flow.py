"""Tests of flows."""

import pytest

from grid_core import GridError, Line, Network, flows

STREET = Network(
    "transformer",
    [
        Line("main", "transformer", "corner", 20_000),
        Line("left", "corner", "no. 1", 15_000),
        Line("right", "corner", "no. 2", 15_000),
    ],
)


def test_a_line_carries_what_is_behind_it() -> None:
    """Feed-in of one house serves the other."""
    found = flows(STREET, {"no. 1": 11_000, "no. 2": -4_000, "corner": 500})
    assert {flow.line.name: flow.watts for flow in found} == {
        "main": 7_500,
        "left": 11_000,
        "right": -4_000,
    }


def test_overload_in_both_directions() -> None:
    """Exactly the rating is allowed, one watt more is not."""
    main, left, right = flows(STREET, {"no. 1": 15_000, "no. 2": -15_001})
    assert (main.watts, main.overloaded) == (-1, False)
    assert (left.overloaded, left.utilisation) == (False, 1.0)
    assert right.overloaded


def test_no_load_no_flow() -> None:
    """A street asleep."""
    assert [flow.watts for flow in flows(STREET, {})] == [0, 0, 0]


def test_a_load_needs_a_place() -> None:
    """A load at an unknown place must not vanish."""
    with pytest.raises(GridError, match="load at 'no. 3'"):
        flows(STREET, {"no. 3": 1})
