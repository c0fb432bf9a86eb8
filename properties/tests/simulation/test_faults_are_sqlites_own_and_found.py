"""What a schedule spends really happens, the core stands it, and planted bugs do not."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence

import aiosqlite
import pytest

from fsmcore import HandRolledAdapter
from properties.rules import hearing
from properties.rules.troubles import Trouble
from properties.rules.workload import Arrival, Workload
from properties.simulation import corpus
from properties.simulation.budget import Budget, Fault
from properties.simulation.explore import Exploration, explore
from properties.simulation.faults import (
    CLOCK_FAULTS,
    CRASH,
    DENIED,
    INTERRUPTED,
    INTERRUPTED_LATE,
)
from properties.simulation.minimiser import smallest
from properties.simulation.replay import complaint, replayed
from properties.simulation.scenario import Scenario
from properties.simulation.scenarios import scenario
from properties.simulation.scenarios.counter import ADD_ONE, READ
from properties.simulation.scenarios.kept import is_busy, kept
from properties.simulation.scenarios.laws import all_of, every_ok_counts, nothing_is_left_behind
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage
from properties.simulation.timeline import timeline
from properties.subjects import TRIES, Answer, AnswerKind, CoreSubject, Place, Request

# Who dies closes nothing, and aiosqlite says so when its objects are collected.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted before being closed:ResourceWarning")


def _answers(found: Exploration) -> set[str]:
    return {answer for outcome in found.outcomes for _, answer in outcome.answers}


FAILING = {
    "failing-2": {"StoreUnavailableError", "OutcomeUnknownError"},
    "full-2": {"StoreUnavailableError"},
    "clock-2": set(),
    "crash-2": {"outcome unknown", "cut off before it began"},
}


@pytest.mark.parametrize("name", FAILING)
def test_the_core_stands_one_fault_anywhere(name: str) -> None:
    """Every inequivalent place of it: explored to the end, felt, and no law broken."""
    found = explore(scenario(name), run_limit=5000)
    assert found.is_complete
    assert {} == found.violations
    assert FAILING[name] <= _answers(found)


def test_a_late_interrupt_is_durable_and_raises() -> None:
    """Both ends of an unknown outcome are reached: written, and not written."""
    outcomes = explore(scenario("failing-2")).outcomes
    unknown = [each for each in outcomes if ("a", "OutcomeUnknownError") in each.answers]
    assert {"a", "b"} == {str(each.rows[1][0]) for each in unknown}


def test_the_wall_clock_decides_nothing() -> None:
    """Whatever it shows, the outcomes are those of a clock that goes right."""
    assert explore(scenario("store-2")).outcomes == explore(scenario("clock-2")).outcomes


@pytest.mark.parametrize("place", [Place.GUARD, Place.BEFORE_COMMIT, Place.AFTER_COMMIT])
def test_a_callback_may_raise_at_any_point(place: Place) -> None:
    """Beside another attempt, in every order, judged by every law."""
    raising = Arrival(event="start_upload", troubles=(Trouble(place, "raises"),))
    asked = Workload(
        subject="handrolled-unlocked", phases=((raising, Arrival(event="start_upload")),)
    )
    found = explore(hearing.scenario(asked, budget=Budget()), run_limit=2000)
    assert found.is_complete
    assert {} == found.violations


@pytest.mark.parametrize("name", ["failing-2", "full-2", "clock-2", "crash-2"])
def test_faults_leave_one_transcript_on_every_carrier(name: str) -> None:
    """Means are set in the connection's own thread, and the dead leave nothing to chance."""
    digests = set()
    for carrier_name in ("inline", "greenlet", "thread"):
        with Stage(scenario(name), carrier_name=carrier_name) as stage:
            scheduler = RandomScheduler(3, fault_count=1)
            trials = [stage.run(scheduler) for _ in range(6)]
            digests.add(tuple(trial.run.transcript.digest() for trial in trials))
    assert 1 == len(digests)


@pytest.mark.parametrize("carrier_name", ["inline", "greenlet", "thread"])
def test_who_dies_closes_every_connection_of_a_thread(carrier_name: str) -> None:
    """A thread of direct has two at a time: the keeper, and that of the transaction."""
    token = "rules.handrolled-direct.start_upload~1+complete_upload~1/fault_count=1@33:2"
    trial = replayed(corpus.from_token(token), carrier_name=carrier_name)
    assert any("crash" in line for line in timeline(trial))
    assert None is trial.violation


# Planted bugs.


async def commit_error_is_a_no(db: aiosqlite.Connection) -> str:
    """Takes an error of COMMIT for a rollback: that of a late interrupt is none."""
    try:
        await db.execute("BEGIN IMMEDIATE")
        await db.execute(ADD_ONE)
        await db.execute("COMMIT")
    except sqlite3.Error:
        await db.rollback()
        return "failed"
    return "ok"


async def commit_error_ends_it(db: aiosqlite.Connection) -> str:
    """Takes it for granted that an error of COMMIT has ended the transaction."""
    try:
        await db.execute("BEGIN IMMEDIATE")
        await db.execute(ADD_ONE)
    except sqlite3.Error:
        await db.rollback()
        return "failed"
    try:
        await db.execute("COMMIT")
    except sqlite3.Error:
        return "failed"
    return "ok"


async def leased(db: aiosqlite.Connection) -> str:
    """Holds a lease by the wall clock, and adds one to what was read under it."""
    now_s = int(time.time())
    try:
        cursor = await db.execute(
            "UPDATE counter SET version = ? WHERE id = 1 AND version < ?", (now_s + 10, now_s)
        )
        if cursor.rowcount != 1:
            return "busy"
        ((value, _),) = await db.execute_fetchall(READ)
        await db.execute("UPDATE counter SET value = ? WHERE id = 1", (value + 1,))
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok"


class AcknowledgesEarly(CoreSubject):
    """Says success, and commits when it comes to it."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Have promised nothing yet."""
        super().__init__("early", HandRolledAdapter, locked=False, tries=tries)

    async def attempt(self, request: Request) -> Answer:
        """Leave the work to a task that nobody awaits."""
        self.work = asyncio.ensure_future(super().attempt(request))
        return Answer(
            kind=AnswerKind.SUCCESS, from_state="untracked", to_state="uploading", version=1
        )


def _planted(name: str, work: object, faults: Sequence[Fault]) -> Scenario:
    return kept(
        name,
        "Broken on purpose.",
        work,  # type: ignore[arg-type]
        work,  # type: ignore[arg-type]
        law=all_of(every_ok_counts, nothing_is_left_behind),
        budget=Budget(faults=tuple(faults), fault_count=1),
    )


def _early() -> Scenario:
    law = "an_acknowledged_transition_stays"
    asked = Workload(subject="early", phases=((Arrival(event="start_upload"),),))
    judges = {law: hearing.all_judges()[law]}
    budget = Budget(faults=(CRASH,), fault_count=1)
    return hearing.scenario(asked, factory=AcknowledgesEarly, judges=judges, budget=budget)


PLANTED = {
    "told no, and written": (
        _planted("p1", commit_error_is_a_no, [INTERRUPTED_LATE]),
        "told ok, and the value is",
    ),
    "the lock is kept": (
        _planted("p2", commit_error_ends_it, [DENIED]),
        "the write lock is held",
    ),
    "a lease by the wall clock": (_planted("p3", leased, CLOCK_FAULTS), "told ok, and the value"),
    "told yes, and gone": (_early(), "was acknowledged and is gone"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_by_its_fault_alone(name: str) -> None:
    """Explored with the fault it breaks its law, shown in few lines; without, it does not."""
    subject, broken = PLANTED[name]
    with Stage(subject) as stage:
        found = smallest(stage, most=3)
        assert None is smallest(stage, budget=Budget(), most=2, run_limit=100)
    assert found is not None
    assert broken in (found.trial.violation or "")
    lines = timeline(found.trial)
    assert len(lines) <= 25
    assert any(line.startswith("!") for line in lines)


def test_an_interrupt_is_definite_before_commit() -> None:
    """Negative control: a fault that fires before COMMIT's last step never writes."""
    found = explore(_planted("p4", commit_error_is_a_no, [INTERRUPTED, DENIED]))
    assert {} == found.violations


def test_a_schedule_with_a_fault_replays_by_its_token() -> None:
    """The token says that one fault is spent; which one is at the place that it names."""
    subject = scenario("failing-2")
    with Stage(subject) as stage:
        found = smallest(
            stage, fails=lambda trial: "OutcomeUnknownError" in str(trial.outcome), most=1
        )
    assert found is not None
    entry = corpus.entry(found.trial, subject.budget, is_minimal=True)
    assert "failing-2/fault_count=1@" in entry.token
    for same in (entry, corpus.from_token(entry.token)):
        trial = replayed(same)
        assert None is complaint(same, trial)
        assert "OutcomeUnknownError" in str(trial.outcome)
