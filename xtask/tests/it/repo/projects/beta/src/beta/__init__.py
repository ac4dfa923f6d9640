"""Counting words."""

from collections import Counter


def count(text: str) -> Counter[str]:
    """Counts words.

    Args:
        text: Words with white space between them.

    Returns:
        How often each occurs, in lower case.
    """
    return Counter(text.lower().split())
