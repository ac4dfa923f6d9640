"""Tests of counting words."""

from beta import count


def test_count() -> None:
    """Case makes no difference."""
    assert count("To be or not to be")["to"] == 2
