"""Schedules drawn by Hypothesis, so that draws, operations and schedule shrink together.

A draw for every choice would be slow (0.15 ms each) and would shrink the length, not the context
switches. So a few deviations are drawn, each as how far after the one before and which option:
fewer deviations and smaller numbers are simpler, and all zeroes is the polite schedule. Inside the
failing example the minimiser then has the last word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from properties.simulation.scheduler import Point


@dataclass(slots=True, unsafe_hash=True)
class DrawnScheduler:
    """Takes drawn pairs (choice points to pass, which option), and is polite elsewhere.

    As a value it is what was drawn.
    """

    drawn: tuple[tuple[int, int], ...]
    _next: int = field(default=0, init=False, repr=False, compare=False)
    _wait: int = field(default=0, init=False, repr=False, compare=False)

    def begin(self) -> None:
        """Start with the first draw."""
        self._next = 0
        self._wait = self.drawn[0][0] if self.drawn else -1

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002 - the seam's signature
        """Return the drawn option where one is due, else 0."""
        if self._wait < 0:
            return 0
        if self._wait:
            self._wait -= 1
            return 0
        choice = 1 + self.drawn[self._next][1] % (n - 1)
        self._next += 1
        self._wait = self.drawn[self._next][0] if self._next < len(self.drawn) else -1
        return choice


def schedules(
    *, most_deviations: int = 6, longest_wait: int = 24
) -> SearchStrategy[DrawnScheduler]:
    """Return a strategy of schedules."""
    deviation = st.tuples(st.integers(0, longest_wait), st.integers(0, 5))
    return st.lists(deviation, max_size=most_deviations).map(tuple).map(DrawnScheduler)
