"""A random walk, with the places of its faults drawn first.

Drawn evenly at each choice point, a single fault would nearly always strike in the first steps.
So its position is drawn over the measured length of the run, and a context switch gets a
probability of its own, drawn once a run from a few magnitudes.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from properties.simulation.scheduler import Action

if TYPE_CHECKING:
    from properties.simulation.scheduler import Point

_SWITCH_ODDS = (0.05, 0.2, 0.5, 1.0)


class RandomScheduler:
    """Walks at random; the same seed walks the same way on every platform.

    ``fault_count`` is the budget of faults; ``length`` a first guess of the number of choice
    points, corrected by each run.
    """

    def __init__(self, seed: int, *, fault_count: int = 0, length: int = 60) -> None:
        """Seed a private generator."""
        self._random = random.Random(seed)
        self._fault_count = fault_count
        self._length = length
        self._index = 0
        self._fault_places: list[int] = []
        self._switch_odds = 1.0

    def begin(self) -> None:
        """Draw the places of the faults and the odds of a context switch."""
        self._length = max(self._index, 8) if self._index else self._length
        self._index = 0
        self._switch_odds = self._random.choice(_SWITCH_ODDS)
        places = range(self._length)
        self._fault_places = sorted(self._random.choice(places) for _ in range(self._fault_count))

    def choose(self, n: int, point: Point) -> int:
        """Return a fault where one is due, else go on or switch by the odds."""
        index, self._index = self._index, self._index + 1
        options = point.options
        first_fault = n  # faults come last
        while first_fault > 1 and options[first_fault - 1].action is Action.FAULT:
            first_fault -= 1
        if first_fault < n and self._fault_places and index >= self._fault_places[0]:
            del self._fault_places[0]
            return self._random.choice(range(first_fault, n))
        if first_fault == 1 or self._random.random() >= self._switch_odds:
            return 0
        return self._random.choice(range(first_fault))
