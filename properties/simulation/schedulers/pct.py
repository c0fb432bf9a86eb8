"""Probabilistic concurrency testing: a random priority an actor, lowered at few random places.

S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, "A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs", ASPLOS 2010: a bug of depth d among n actors and k steps is found by
one run with probability at least 1 / (n * k**(d - 1)).

Choices. k is measured, not guessed: each run sets it for the next. Faults are no steps of an
actor: each strikes at a place of its own, drawn over k.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from properties.simulation.scheduler import Action

if TYPE_CHECKING:
    from properties.simulation.scheduler import Point


class PctScheduler:
    """Finds bugs of ``depth`` ordering constraints. The same seed chooses the same way."""

    def __init__(self, seed: int, *, depth: int = 3, fault_count: int = 0) -> None:
        """Seed a private generator."""
        self._random = random.Random(seed)
        self._depth = depth
        self._fault_count = fault_count
        self._length = 32
        self._index = 0
        self._priorities: dict[str, float] = {}
        self._changes: dict[int, int] = {}
        self._faults: list[int] = []

    def begin(self) -> None:
        """Forget the priorities, and draw the places of change over the measured length."""
        self._length = max(self._index, 4) if self._index else self._length
        self._index = 0
        self._priorities = {}
        places = range(self._length)
        self._changes = {self._random.choice(places): low for low in range(1, self._depth)}
        self._faults = sorted(self._random.choice(places) for _ in range(self._fault_count))

    def choose(self, n: int, point: Point) -> int:
        """Return the option of the actor with the highest priority."""
        index, self._index = self._index, self._index + 1
        options = point.options
        faults = [i for i in range(1, n) if options[i].action is Action.FAULT]
        if faults and self._faults and index >= self._faults[0]:
            del self._faults[0]
            return self._random.choice(faults)
        able = [i for i in range(n) if options[i].action is not Action.FAULT]
        best = max(able, key=lambda i: self._priority(options[i].actor))
        if index in self._changes:
            self._priorities[options[best].actor] = -float(self._changes[index])
            best = max(able, key=lambda i: self._priority(options[i].actor))
        return best

    def _priority(self, actor: str) -> float:
        found = self._priorities.get(actor)
        if found is None:
            found = self._priorities[actor] = self._random.random()
        return found
