"""Usage as an array: one number for each step of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from readings import Usage, resample
from units import Interval

Values = NDArray[np.float64]


class ForecastError(ValueError):
    """A series or a model that makes no sense."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Energy per step of time, without gaps.

    Attributes:
        start: The start of the first step.
        step: The length of each step.
        values: The energy of each step in kilowatt hours.
    """

    start: datetime
    step: timedelta
    values: Values

    def __post_init__(self) -> None:
        """Refuse arrays that are not one finite number for each step."""
        if self.values.ndim != 1:
            raise ForecastError(f"a series has one dimension, not {self.values.ndim}")
        if not np.isfinite(self.values).all():
            raise ForecastError("a series holds finite numbers only")

    @classmethod
    def from_usages(cls, parts: Iterable[Usage], step: timedelta) -> Self:
        """Make a series of the usage of one meter.

        The first and the last step are left out where the usage covers them only in part.

        Args:
            parts: The usage, without gaps.
            step: The length of each step.

        Returns:
            The series.

        Raises:
            ForecastError: There is a gap, or not one whole step.
        """
        known = sorted(parts, key=lambda part: part.interval)
        for before, after in pairwise(known):
            if before.interval.end != after.interval.start:
                raise ForecastError(f"gap or overlap at {before.interval.end.isoformat()}")
        whole = [slot for slot in resample(known, step) if _inside(slot.interval, known)]
        if not whole:
            raise ForecastError(f"the usage covers no whole step of {step}")
        numbers = [float(slot.energy.to("kWh")) for slot in whole]
        return cls(whole[0].interval.start, step, np.array(numbers, dtype=np.float64))

    def __len__(self) -> int:
        """Count the steps."""
        return int(self.values.size)

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.start + len(self) * self.step

    def head(self, count: int) -> "Series":
        """Give the first steps.

        Args:
            count: How many steps to keep.

        Returns:
            A series of at most that many steps, with the same start.
        """
        return Series(self.start, self.step, self.values[:count])


def _inside(slot: Interval, known: list[Usage]) -> bool:
    """Tell whether a step lies within the time that is known."""
    return known[0].interval.start <= slot.start and slot.end <= known[-1].interval.end
