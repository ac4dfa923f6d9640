"""Tests of host names."""

from alpha import encode, labels


def test_encode() -> None:
    """A name outside ASCII gets its wire form."""
    assert encode("bücher.example") == "xn--bcher-kva.example"


def test_labels() -> None:
    """The dot at the end makes no label."""
    assert labels("a.b.") == ["a", "b"]
