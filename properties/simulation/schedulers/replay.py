"""A schedule again: the deviations of an earlier run, at the choice points where they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from properties.simulation.scheduler import HarnessError

if TYPE_CHECKING:
    from properties.simulation.scheduler import Point


class ScheduleMismatchError(HarnessError):
    """A schedule does not fit what it is replayed on; says where they part."""


class ReplayScheduler:
    """Takes ``deviations[index]`` at the choice points that it names, and 0 everywhere else.

    ``expected`` may name, by index, the option that was taken then; another one there raises
    ``ScheduleMismatchError`` after the run, because code that changed needs a new schedule.
    """

    def __init__(
        self, deviations: Mapping[int, int], expected: Mapping[int, str] | None = None
    ) -> None:
        """Keep the schedule."""
        self._deviations = dict(deviations)
        self._expected = dict(expected or {})
        self._index = 0
        self.mismatch: str | None = None

    def begin(self) -> None:
        """Start from the first choice point."""
        self._index = 0
        self.mismatch = None

    def choose(self, n: int, point: Point) -> int:
        """Return the recorded choice."""
        index, self._index = self._index, self._index + 1
        choice = self._deviations.get(index, 0)
        if choice >= n:
            self._complain(f"choice point {index} has {n} options, the schedule takes {choice}")
            return 0
        wanted, found = self._expected.get(index), point.describe(choice)
        if wanted is not None and wanted != found:
            self._complain(f"choice point {index} would {found!r}, the schedule has {wanted!r}")
        return choice

    def _complain(self, what: str) -> None:
        if self.mismatch is None:
            self.mismatch = what

    def require_fit(self) -> None:
        """Raise ``ScheduleMismatchError`` if the last run was not the recorded one."""
        late = [index for index in self._deviations if index >= self._index]
        if self.mismatch is None and late:
            self.mismatch = f"the run ended before choice point {min(late)}"
        if self.mismatch is not None:
            raise ScheduleMismatchError(
                f"the schedule does not fit this code: {self.mismatch}. "
                "Search again, or replay it on the versions that it names."
            )
