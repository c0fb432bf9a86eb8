"""Rules that fill a workload, a drawn schedule that runs it, and the court that judges.

Each rule adds one thing: an attempt that may be in flight with others, or a rest in which all have
ended. The run comes when the example is complete, in one simulation, with every call, landing,
timer and fault where the schedule puts it; so operations, draws and schedule shrink together. A
failing example is then made smallest by our own search, once and at the end.

Choices. *When* an attempt begins, and how long the others run before, is not drawn beside the
schedule but part of it: a drawn number of steps would be a second way to say the same, and the
minimiser could not see it. Shrinking ends after a fixed number of runs, because walks from a seed
are not made for it; then attempts, troubles and deviations are dropped while the same law breaks.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from properties.rules import hearing
from properties.rules.court import Evidence, Judge
from properties.rules.exploration import Exploration
from properties.rules.troubles import EDGE_ROUND, Trouble, troubles
from properties.rules.workload import FILE_COUNT, Arrival, Workload
from properties.simulation.judging import LawBrokenError, assert_holds
from properties.simulation.minimiser import smallest
from properties.simulation.scenario import Scenario, Trial
from properties.simulation.schedulers.hypothesis import DrawnScheduler, schedules
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.subjects.lifecycle import FILES

if TYPE_CHECKING:
    from hypothesis import settings

    from properties.simulation.scheduler import Scheduler
    from properties.subjects import SubjectFactory

IN_FLIGHT_LIMIT = 3
ATTEMPT_LIMIT = 6
LONGEST_WAIT = 40
SHRINK_RUN_LIMIT = 400
DROP_RUN_LIMIT = 200
MINIMISE_RUN_LIMIT = 1500


Drawn = tuple[Workload, DrawnScheduler, int]
"""One example: what is asked for, a schedule, and the seed of a walk."""


@dataclass(slots=True)
class _Hunt:
    """What is hunted on which stage, and what was last found: the smallest, as shrinking goes."""

    subject_name: str
    factory: SubjectFactory
    judges: dict[str, Judge]
    stage: Stage
    tally: Counter[str]
    noted: Callable[[Drawn], None]
    broken: tuple[Workload, dict[int, int], str] | None = None
    known: dict[Drawn, str] = field(default_factory=dict)
    shrink_run_count: int = 0

    def scenario(self, workload: Workload) -> Scenario:
        return hearing.scenario(workload, factory=self.factory, judges=self.judges)

    def judge(self, case: Drawn) -> None:
        """Raise ``LawBrokenError`` for a broken example; never forget one, so none is flaky."""
        self.tally["simulated examples"] += 1
        self.noted(case)
        workload, schedule, seed = case
        if case in self.known:
            raise _broken(self.known[case])
        if self.shrink_run_count >= SHRINK_RUN_LIMIT:
            return
        self.stage.play(self.scenario(workload))
        for scheduler in _schedulers(schedule, seed):
            self.shrink_run_count += bool(self.known)
            trial = self.stage.run(scheduler)
            self.tally["simulated runs"] += 1
            if trial.violation is not None:
                self.broken = (workload, trial.run.deviations, _law(trial))
                self.known[case] = trial.violation
                raise _broken(trial.violation)


def _schedulers(schedule: DrawnScheduler, seed: int) -> Iterator[Scheduler]:
    yield schedule
    yield RandomScheduler(seed, fault_count=1, length=150)


def _law(trial: Trial) -> str:
    return (trial.violation or "").partition(":")[0]


def _broken(violation: str) -> AssertionError:
    """Return an error of a class of its law's own, so that shrinking keeps to that law."""
    made: AssertionError = type(violation.partition(":")[0], (AssertionError,), {})(violation)
    return made


class ScheduleRules(RuleBasedStateMachine):
    """One workload, one drawn schedule. Subclassed with a ``hunt``."""

    hunt: ClassVar[_Hunt]

    def __init__(self) -> None:
        """Ask for nothing yet."""
        super().__init__()
        self._phases: list[list[Arrival]] = [[]]
        self._hoped = [(FILES.initial, 0)] * FILE_COUNT
        self._schedule = DrawnScheduler(())
        self._seed = 0

    @initialize(schedule=schedules(longest_wait=LONGEST_WAIT), seed=st.integers(0, 2**32 - 1))
    def a_schedule_is_drawn(self, schedule: DrawnScheduler, seed: int) -> None:
        """Draw where the example deviates from the polite order, and a seed for a walk."""
        self._schedule, self._seed = schedule, seed

    @precondition(
        lambda self: (
            len(self._phases[-1]) < IN_FLIGHT_LIMIT and sum(map(len, self._phases)) < ATTEMPT_LIMIT
        )
    )
    @rule(
        file_index=st.sampled_from([0, 0, 1]),
        event=st.none() | st.none() | st.sampled_from(FILES.events),
        edge_index=st.integers(0, EDGE_ROUND - 1),
        guard_says=st.sampled_from([True, True, True, False]),
        expecting=st.sampled_from(["any", "any", "now", "before"]),
        met=st.lists(troubles, max_size=1).map(tuple),
    )
    def an_attempt_arrives(
        self,
        file_index: int,
        event: str | None,
        edge_index: int,
        guard_says: bool,
        expecting: str,
        met: tuple[Trouble, ...],
    ) -> None:
        """Start one more, beside those that are in flight; its event is legal if all goes well."""
        state, version = self._hoped[file_index]
        legal = list(FILES.edges[state])
        chosen = event if event is not None or not legal else legal[edge_index % len(legal)]
        arrival = Arrival(
            event=chosen if chosen is not None else FILES.events[0],
            file_index=file_index,
            guard_says=guard_says,
            expected_version={"any": None, "now": version, "before": max(0, version - 1)}[
                expecting
            ],
            troubles=met,
        )
        self._phases[-1].append(arrival)

    @rule()
    def everybody_comes_to_an_end(self) -> None:
        """Let the schedule run until nothing is under way, and be judged."""
        for arrival in self._phases[-1]:
            state, version = self._hoped[arrival.file_index]
            target = FILES.target(state, arrival.event)
            if target is not None and arrival.guard_says:
                self._hoped[arrival.file_index] = (target, version + 1)
        self._phases.append([])

    def teardown(self) -> None:
        """Run it all, under the drawn schedule and under a walk."""
        phases = tuple(tuple(phase) for phase in self._phases if phase)
        if phases:
            workload = Workload(subject=self.hunt.subject_name, phases=phases)
            self.hunt.judge((workload, self._schedule, self._seed))


def explore_schedules(
    subject_name: str,
    factory: SubjectFactory,
    judges: dict[str, Judge],
    settings: settings,
    tally: Counter[str] | None = None,
    *,
    until_broken: bool = False,
    noted: Callable[[Drawn], None] = lambda _: None,
    given: Sequence[Drawn] | None = None,
) -> Exploration:
    """Drive a subject under drawn schedules; a broken law leaves the court, and on.

    ``until_broken`` ends it at the first. What is drawn is ``noted``; what is ``given`` was drawn
    elsewhere and takes its place.

    A counterexample is the smallest schedule known of the smallest workload known, as a timeline
    with the command that replays it.
    """
    found = Exploration(tally=Counter() if tally is None else tally)
    remaining = dict(judges)
    while remaining:
        try:
            broken = _hunted(subject_name, factory, remaining, settings, found.tally, noted, given)
        except Exception as error:  # noqa: BLE001 - whatever it is, the laws are unknown
            found.harness_error = "".join(traceback.format_exception(error))
            break
        if broken is None:
            break
        law, shown, evidence = broken
        found.broken[law] = str(shown)
        found.evidence.update({} if evidence is None else {law: evidence})
        found.entries[law] = shown.entry
        del remaining[law]
        if until_broken:
            found.is_cut = True
            break
    return found


def _hunted(
    subject_name: str,
    factory: SubjectFactory,
    judges: dict[str, Judge],
    settings: settings,
    tally: Counter[str],
    noted: Callable[[Drawn], None],
    given: Sequence[Drawn] | None,
) -> tuple[str, LawBrokenError, Evidence | None] | None:
    first = Workload(subject=subject_name, phases=((Arrival(event=FILES.events[0]),),))
    with Stage(hearing.scenario(first, factory=factory, judges=judges)) as stage:
        hunt = _Hunt(subject_name, factory, judges, stage, tally, noted)
        machine = type("Schedules", (ScheduleRules,), {"hunt": hunt})
        try:
            if given is None:
                run_state_machine_as_test(machine, settings=settings)
            for case in given or ():
                hunt.judge(case)
        except BaseException:
            if hunt.broken is None:
                raise
        if hunt.broken is None:
            return None
        workload, deviations, law = hunt.broken
        hunt.judges = {law: judges[law]}
        workload, deviations = _with_less(hunt, workload, deviations)
    heard: list[Evidence] = []
    smallest_scenario = hearing.scenario(
        workload,
        factory=factory,
        judges=hunt.judges,
        heard=lambda evidence: heard.append(evidence.alone()),
    )
    with Stage(smallest_scenario) as stage:
        try:
            assert_holds(stage, ReplayScheduler(deviations), run_limit=MINIMISE_RUN_LIMIT)
        except LawBrokenError as error:
            heard.clear()
            stage.run(ReplayScheduler(error.entry.deviations))
            return law, error, heard[-1] if heard else None
    raise RuntimeError(f"{workload.name} broke {law} and does not any more: nondeterminism")


def _with_less(
    hunt: _Hunt, workload: Workload, deviations: dict[int, int]
) -> tuple[Workload, dict[int, int]]:
    """Drop attempts and what happens to them while a schedule quickly found breaks the rest."""
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for fewer in _smaller(workload):
            hunt.stage.play(hunt.scenario(fewer))
            trial = hunt.stage.run(ReplayScheduler(deviations))
            if trial.violation is not None:
                workload, deviations, is_smaller = fewer, trial.run.deviations, True
                break
            found = smallest(hunt.stage, run_limit=DROP_RUN_LIMIT, most=2)
            if found is not None:
                workload, deviations, is_smaller = fewer, found.deviations, True
                break
    return workload, deviations


def _smaller(workload: Workload) -> Iterator[Workload]:
    for index, phase in enumerate(workload.phases):
        for place, arrival in enumerate(phase):
            rest = phase[:place] + phase[place + 1 :]
            if rest or len(workload.phases) > 1:
                yield _with_phase(workload, index, rest)
            if arrival.troubles:
                yield _replaced(workload, index, place, arrival, troubles=())
            if arrival.expected_version is not None:
                yield _replaced(workload, index, place, arrival, expected_version=None)
            if not arrival.guard_says:
                yield _replaced(workload, index, place, arrival, guard_says=True)


def _replaced(
    workload: Workload, index: int, place: int, arrival: Arrival, **changes: object
) -> Workload:
    changed = dataclasses.replace(arrival, **changes)  # type: ignore[arg-type]
    phase = workload.phases[index]
    return _with_phase(workload, index, (*phase[:place], changed, *phase[place + 1 :]))


def _with_phase(workload: Workload, index: int, phase: tuple[Arrival, ...]) -> Workload:
    phases = (*workload.phases[:index], phase, *workload.phases[index + 1 :])
    return dataclasses.replace(workload, phases=tuple(each for each in phases if each))
