"""Schedules drawn by Hypothesis, so that draws, operations and schedule shrink together.

A draw for every choice would be slow (0.15 ms each) and would shrink the length, not the context
switches. So a few deviations are drawn, each as how far after the one before and which option:
fewer deviations and smaller numbers are simpler, and all zeroes is the polite schedule. Inside the
failing example the minimiser then has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from properties.simulation.scheduler import Point


class DrawnScheduler:
    """Takes a drawn list of (choice points to pass, which option), and is polite elsewhere."""

    def __init__(self, drawn: Sequence[tuple[int, int]]) -> None:
        """Keep the draws."""
        self._drawn = tuple(drawn)
        self._next = 0
        self._wait = 0

    def __repr__(self) -> str:
        """Return what Hypothesis prints for a failing example."""
        return f"DrawnScheduler({list(self._drawn)!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether the draws are the same."""
        return isinstance(other, DrawnScheduler) and self._drawn == other._drawn

    def __hash__(self) -> int:
        """Return a hash of the draws."""
        return hash(self._drawn)

    def begin(self) -> None:
        """Start with the first draw."""
        self._next = 0
        self._wait = self._drawn[0][0] if self._drawn else -1

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002 - the seam's signature
        """Return the drawn option where one is due, else 0."""
        if self._wait < 0:
            return 0
        if self._wait:
            self._wait -= 1
            return 0
        choice = 1 + self._drawn[self._next][1] % (n - 1)
        self._next += 1
        self._wait = self._drawn[self._next][0] if self._next < len(self._drawn) else -1
        return choice


def schedules(
    *, most_deviations: int = 6, longest_wait: int = 24
) -> SearchStrategy[DrawnScheduler]:
    """Return a strategy of schedules."""
    deviation = st.tuples(st.integers(0, longest_wait), st.integers(0, 5))
    return st.lists(deviation, max_size=most_deviations).map(DrawnScheduler)
