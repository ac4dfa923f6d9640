"""Tests of questions about host names."""

from gamma import depth


def test_depth() -> None:
    """The dot at the end does not count."""
    assert depth("a.b.c.") == 3
