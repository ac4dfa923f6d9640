"""What the lines of a network carry."""

from collections.abc import Mapping
from dataclasses import dataclass

from grid_core.network import GridError, Line, Network


@dataclass(frozen=True, slots=True)
class Flow:
    """What one line carries.

    Attributes:
        line: The line.
        watts: The power that goes outwards; negative if it comes back.
    """

    line: Line
    watts: int

    @property
    def utilisation(self) -> float:
        """The share of the rating that is used, whatever the direction."""
        return abs(self.watts) / self.line.rating

    @property
    def overloaded(self) -> bool:
        """Whether the line carries more than it may."""
        return abs(self.watts) > self.line.rating


def flows(network: Network, loads: Mapping[str, int]) -> list[Flow]:
    """Add up what each line carries.

    Args:
        network: The network.
        loads: What each place draws in watts; negative where it feeds in. A place that is not
            mentioned draws nothing.

    Returns:
        One flow for each line, in the order of the network.

    Raises:
        GridError: A load is at a place that is not in the network.
    """
    unknown = sorted(set(loads) - set(network.places()))
    if unknown:
        raise GridError(f"there is a load at {unknown[0]!r}, which is not in the network")
    below = {place: loads.get(place, 0) for place in network.places()}
    for line in reversed(network.lines):
        below[line.start] += below[line.end]
    return [Flow(line, below[line.end]) for line in network.lines]
