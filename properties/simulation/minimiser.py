"""The smallest schedule that still fails: the fewest deviations from the polite one.

Iterative deepening over deviations: all schedules with none, with one, with two. The first level
that holds a failure holds a smallest one, and when every lower level was searched to its end it is
*minimal*, not just small. A failing schedule that is known already gives the level to stop below.

Choices. A deviation is not tried where the polite step is private (it touched nothing that others
can see): deviating after that step is equivalent, and as many deviations. Cancellations are tried
everywhere that their own actor moves. The budget is a number of runs and not a time, so that a busy
machine prints the same counterexample, with the same word, as an idle one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from properties.simulation import footprints
from properties.simulation.budget import Budget
from properties.simulation.scenario import Trial
from properties.simulation.scheduler import Action, Footprint
from properties.simulation.stage import Stage
from properties.simulation.world import Sharing

if TYPE_CHECKING:
    from properties.simulation.scheduler import Point

_SHARED = (
    footprints.ROWS
    | footprints.WRITE_LOCK
    | footprints.LAYOUT
    | footprints.LOCKS
    | footprints.EVENTS
    | footprints.SHARED
    | footprints.QUEUES
)


RUN_LIMIT = 5_000
"""Enough to prove any bug of the shelf minimal, in some ten seconds."""


class DeviatingScheduler:
    """Takes given deviations, and notes where further ones could make a difference."""

    def __init__(self, deviations: Mapping[int, int]) -> None:
        """Keep the deviations."""
        self._deviations = dict(deviations)
        self._first = max(deviations, default=-1) + 1
        self._points: list[Point] = []
        self._steps: list[Footprint] = []

    def begin(self) -> None:
        """Start a run."""
        self._points.clear()
        self._steps.clear()

    def choose(self, n: int, point: Point) -> int:
        """Return the deviation that is due here, or 0."""
        choice = self._deviations.get(len(self._points), 0)
        self._points.append(point)
        return choice if choice < n else 0

    def forced(self, point: Point) -> None:
        """Take no note: no deviation is possible."""

    def touched(self, footprint: Footprint) -> None:
        """Give what was touched to the choice before it."""
        while len(self._steps) < len(self._points):
            self._steps.append(footprints.NOTHING)
        if self._steps:
            self._steps[-1] = self._steps[-1].joined(footprint)

    def end(self) -> None:
        """Do nothing."""

    def broken_assumption(self, what: str) -> None:
        """Do nothing: what is not private shows in its footprint."""

    def locks_are_shared(self) -> None:
        """Do nothing: every lock counts as shared from the start."""

    def clock_interferes(self) -> None:
        """Do nothing."""

    def further(self) -> Iterator[tuple[int, int]]:
        """Yield each (choice point, choice) after the last deviation that may matter."""
        for index in range(self._first, len(self._points)):
            point, step = self._points[index], self._steps[index]
            polite = point.options[0]
            is_private = not (step.read | step.written) & _SHARED
            for choice in range(1, len(point.options)):
                option = point.options[choice]
                if is_private and option.actor != polite.actor and option.action != Action.CLOCK:
                    continue
                yield index, choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """A failing trial with few deviations; ``is_minimal`` when fewer are known not to fail."""

    trial: Trial
    deviations: dict[int, int]
    is_minimal: bool
    run_count: int
    elapsed_s: float

    def __str__(self) -> str:
        """Return one line."""
        word = "minimal" if self.is_minimal else "smallest found"
        count = len(self.deviations)
        return f"{word}: {count} deviation{'' if count == 1 else 's'}, after {self.run_count} runs"


def _fails(trial: Trial) -> bool:
    return trial.violation is not None


class _Search:
    def __init__(
        self, stage: Stage, budget: Budget, fails: Callable[[Trial], bool], run_limit: int
    ) -> None:
        self.stage = stage
        self.budget = budget
        self.fails = fails
        self.run_count = 0
        self.started_s = time.perf_counter()
        self._run_limit = run_limit

    def is_over(self) -> bool:
        return self.run_count >= self._run_limit

    def run(self, deviations: Mapping[int, int]) -> tuple[Trial, DeviatingScheduler]:
        self.run_count += 1
        scheduler = DeviatingScheduler(deviations)
        return self.stage.run(scheduler, self.budget), scheduler


def smallest(
    stage: Stage,
    *,
    budget: Budget | None = None,
    known: Mapping[int, int] | None = None,
    fails: Callable[[Trial], bool] = _fails,
    run_limit: int = RUN_LIMIT,
    most: int = 4,
) -> Smallest | None:
    """Return a failing schedule with the fewest deviations, at most ``most``; None without one.

    ``known`` is a failing schedule; with it the search only has to look below, and what it cannot
    prove within ``run_limit`` runs it says.
    """
    stage.simulation.take_for_shared(Sharing(locks=True))
    search = _Search(stage, budget or stage.scenario.budget, fails, run_limit)
    while True:
        sharing = stage.simulation.sharing
        found = _by_levels(search, known, most)
        if stage.simulation.sharing == sharing:
            return found  # else what only now shows as shared was taken for private on the way


def _by_levels(search: _Search, known: Mapping[int, int] | None, most: int) -> Smallest | None:
    fails = search.fails
    best = None if known is None else _dropped(search, dict(known))
    level: list[dict[int, int]] = [{}]
    for depth in range(most + 1):
        if best is not None and depth >= len(best):
            return _answer(search, best, is_minimal=True)
        following: list[dict[int, int]] = []
        is_last = depth + 1 > most or (best is not None and depth + 1 >= len(best))
        for deviations in level:
            if search.is_over():
                return None if best is None else _answer(search, best, is_minimal=False)
            trial, scheduler = search.run(deviations)
            if fails(trial):
                return _answer(search, trial.run.deviations, is_minimal=True)
            if not is_last:
                following += [
                    {**deviations, index: choice} for index, choice in scheduler.further()
                ]
        level = following
    return None if best is None else _answer(search, best, is_minimal=False)


def _dropped(search: _Search, known: dict[int, int]) -> dict[int, int] | None:
    """Drop deviations one by one while the rest still fails."""
    trial, _ = search.run(known)
    if not search.fails(trial):
        return None
    best = trial.run.deviations
    is_smaller = True
    while is_smaller and not search.is_over():
        is_smaller = False
        for index in sorted(best, reverse=True):
            rest = {at: choice for at, choice in best.items() if at != index}
            trial, _ = search.run(rest)
            if search.fails(trial) and len(trial.run.deviations) < len(best):
                best, is_smaller = trial.run.deviations, True
                break
    return best


def _answer(search: _Search, deviations: Mapping[int, int], *, is_minimal: bool) -> Smallest:
    trial, _ = search.run(deviations)
    return Smallest(
        trial=trial,
        deviations=dict(deviations),
        is_minimal=is_minimal,
        run_count=search.run_count,
        elapsed_s=time.perf_counter() - search.started_s,
    )
