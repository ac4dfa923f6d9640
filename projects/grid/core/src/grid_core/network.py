"""Networks that branch out from a transformer without ever closing a ring."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class GridError(ValueError):
    """A network that cannot be built or be fed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A cable between two places.

    Attributes:
        name: What the line is called.
        start: The place at the transformer's side.
        end: The place at the far side.
        rating: How much the line may carry, in watts and in either direction.
    """

    name: str
    start: str
    end: str
    rating: int

    def __post_init__(self) -> None:
        """Refuse lines that can carry nothing."""
        if self.rating <= 0:
            raise GridError(f"line {self.name!r}: a rating of {self.rating} W carries nothing")


class Network:
    """A tree of lines.

    Attributes:
        root: The place of the transformer.
        lines: All lines, each after the one that feeds it.
    """

    root: str
    lines: tuple[Line, ...]

    def __init__(self, root: str, lines: Iterable[Line]) -> None:
        """Connect lines to a network.

        Args:
            root: The place of the transformer.
            lines: The lines, in any order.

        Raises:
            GridError: Two lines share a name, a place is fed twice, or a line is not connected.
        """
        self.root = root
        self._feeds: dict[str, list[Line]] = {}
        self._fed_by: dict[str, Line] = {}
        given = list(lines)
        for line in given:
            self._add(line)
        self.lines = tuple(self._walk())
        if len(self.lines) < len(given):
            lost = next(line for line in given if line not in self.lines)
            raise GridError(f"line {lost.name!r} is not connected to {root!r}")
        names = [line.name for line in given]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise GridError(f"two lines are called {twice!r}")

    def _add(self, line: Line) -> None:
        """Note what a line feeds."""
        if line.end in self._fed_by or line.end == self.root:
            raise GridError(f"line {line.name!r} feeds {line.end!r}, which is fed already")
        self._fed_by[line.end] = line
        self._feeds.setdefault(line.start, []).append(line)

    def _walk(self) -> Iterator[Line]:
        """Yield the lines from the transformer outwards."""
        waiting = [self.root]
        for place in waiting:
            for line in self._feeds.get(place, []):
                waiting.append(line.end)
                yield line

    def places(self) -> list[str]:
        """List all places.

        Returns:
            The transformer's place first, then the others from there outwards.
        """
        return [self.root, *(line.end for line in self.lines)]

    def path(self, place: str) -> list[Line]:
        """List the lines between the transformer and a place.

        Args:
            place: The place.

        Returns:
            The lines in the order in which energy reaches the place.

        Raises:
            GridError: There is no such place.
        """
        if place not in self.places():
            raise GridError(f"there is no place {place!r}")
        found: list[Line] = []
        while place != self.root:
            found.append(self._fed_by[place])
            place = found[-1].start
        return found[::-1]
