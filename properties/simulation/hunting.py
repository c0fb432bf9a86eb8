"""Hypothesis draws the workload and the schedule; a failure is shrunk by both of us.

Hypothesis makes the workload small, and throws schedules away that are not needed. It gets
so many runs for that, since a walk from a seed is not made for shrinking. Then attempts are dropped
while a search finds another schedule that breaks the rest, and the schedule is made smallest: once,
at the end, and not in every example that is tried on the way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.sighting import sighted
from properties.simulation.judging import assert_holds
from properties.simulation.minimiser import smallest
from properties.simulation.scenarios.drawn import ALLOWED, EVENTS, Workload
from properties.simulation.scheduler import HarnessError, Scheduler
from properties.simulation.schedulers.hypothesis import DrawnScheduler, schedules
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage

WALK_COUNT = 5
SHRINK_RUN_LIMIT = 600
DROP_RUN_LIMIT = 600

_Broken = tuple[Workload, dict[int, int]]
"""A workload, and the deviations of a schedule that breaks its law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One workload under a drawn schedule, and under random walks from a drawn seed."""

    workload: Workload
    schedule: DrawnScheduler
    seed: int

    def schedulers(self) -> Iterator[Scheduler]:
        """Yield one scheduler for each run."""
        yield self.schedule
        walk = RandomScheduler(self.seed, fault_count=1)
        for _ in range(WALK_COUNT):
            yield walk


def cases(setup: str) -> SearchStrategy[Case]:
    """Return a strategy of two or three attempts, the first of which is allowed."""

    def of(state: str) -> SearchStrategy[Case]:
        # Attempts contend when they want to leave the same state; drawn evenly, few would.
        event = st.sampled_from(ALLOWED[state]) | st.sampled_from(EVENTS)
        others = st.lists(event, min_size=1, max_size=2)
        events = st.tuples(st.sampled_from(ALLOWED[state]), others)
        return st.builds(
            lambda drawn, schedule, seed: Case(
                workload=Workload(setup=setup, state=state, events=(drawn[0], *drawn[1])),
                schedule=schedule,
                seed=seed,
            ),
            events,
            schedules(),
            st.integers(0, 2**32 - 1),
        )

    return st.sampled_from(sorted(ALLOWED, reverse=True)).flatmap(of)


Ask = Callable[[SearchStrategy[Case], Callable[[Case], None]], None]
"""Calls the second with cases drawn from the first; raises what it raised for a small one."""


def hunt(setup: str, ask: Ask) -> None:
    """Judge drawn cases; raises ``LawBrokenError`` with a smallest schedule, or ``HarnessError``.

    All runs share one file and one open subject; a failure is asked again on a file of its own.
    """
    hunter = _Hunter(Workload(setup=setup, state="untracked", events=("start_upload",)))
    try:
        with hunter.stage:
            ask(cases(setup), hunter.holds)
    except Exception as error:
        if hunter.broken is None:
            raise
        workload, deviations = _with_fewer_attempts(*hunter.broken)
        with Stage(workload.scenario()) as stage:
            assert_holds(stage, ReplayScheduler(deviations))
        raise HarnessError(
            f"nondeterminism, {workload.name} broke its law and does not any more: {error}"
        ) from error


class _Hunter:
    """Remembers what is broken: the last case that Hypothesis tries is the smallest it found."""

    def __init__(self, workload: Workload) -> None:
        self.stage = Stage(workload.scenario())
        self.broken: _Broken | None = None
        self._known: dict[Case, tuple[_Broken, str]] = {}
        self._shrink_run_count = 0

    def holds(self, case: Case) -> None:
        """Raise AssertionError for a broken case; never forget one, so that none is flaky."""
        if case in self._known:
            self.broken, violation = self._known[case]
            raise AssertionError(violation)
        if self._shrink_run_count >= SHRINK_RUN_LIMIT:
            return
        self.stage.play(case.workload.scenario())
        for scheduler in case.schedulers():
            self._shrink_run_count += bool(self._known)
            trial = self.stage.run(scheduler)
            if trial.violation is None:
                continue
            self.broken = (case.workload, trial.run.deviations)
            self._known[case] = (self.broken, trial.violation)
            sighted()
            raise AssertionError(trial.violation)


def _with_fewer_attempts(workload: Workload, deviations: dict[int, int]) -> _Broken:
    """Drop attempts while some schedule that is quickly found still breaks the rest."""
    for left_out in range(len(workload.events)):
        events = workload.events[:left_out] + workload.events[left_out + 1 :]
        if not events:
            break
        fewer = dataclasses.replace(workload, events=events)
        with Stage(fewer.scenario()) as stage:
            found = smallest(stage, run_limit=DROP_RUN_LIMIT, most=2)
        if found is not None:
            return _with_fewer_attempts(fewer, found.deviations)
    return workload, deviations
