"""Questions about host names."""

from alpha import labels


def depth(name: str) -> int:
    """Says how deep a host name is.

    Args:
        name: The name.

    Returns:
        The number of its labels.
    """
    return len(labels(name))
