"""Both adapters agree: the same script, and the same schedule, give the same answers and journal.

The hand-rolled machine is the reference. Scripts run one attempt after another, so there is one
right answer to each. A schedule that was walked with one adapter is replayed, choice by choice,
with the other: every call of the database must be the same, in the same order. A library that
takes, refuses or forgets an edge that the other does not breaks it.
"""

import asyncio
import dataclasses
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import strategies as st

from properties.history import snapshot
from properties.scratch import scratch_folder
from properties.simulation.budget import Budget
from properties.simulation.scenarios.drawn import Workload
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.specs.conftest import Walk
from properties.subjects import CORE_SUBJECTS, FILES, Place, Request

steps = st.tuples(
    st.sampled_from(FILES.events),
    st.booleans() | st.just(True),
    st.none() | st.integers(0, 4),
    st.none() | st.none() | st.sampled_from([Place.GUARD, Place.BEFORE_COMMIT, Place.AFTER_COMMIT]),
)


class ScriptedError(Exception):
    """What a callback of the script raises."""


async def _raise() -> None:
    raise ScriptedError("as the script says")


def _told(subject_name: str, script: list[tuple[Any, ...]]) -> tuple[object, ...]:
    async def run(path: str) -> list[tuple[object, ...]]:
        subject = CORE_SUBJECTS[subject_name]()
        await subject.make(path)
        try:
            await subject.seed("f")
            answers = [
                await subject.attempt(
                    Request(
                        attempt_id=f"a{number}",
                        file_path="f",
                        event=event,
                        guard_says=guard_says,
                        expected_version=expected,
                        disturbances=() if place is None else ((place, _raise),),
                    )
                )
                for number, (event, guard_says, expected, place) in enumerate(script)
            ]
        finally:
            await subject.close()
        log = [
            (each.attempt_id, each.outcome, each.from_state, each.to_state)
            for each in subject.log()
        ]
        return [*((a.kind, a.detail, a.from_state, a.to_state, a.version) for a in answers), *log]

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        answers = asyncio.run(run(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            return (*answers, snapshot(db))


def test_the_same_script_gives_the_same_answers(
    drawn: Callable[[Any, Callable[[Any], None]], None],
) -> None:
    """Events, guards, expected versions and callback errors, drawn."""

    def holds(script: list[tuple[Any, ...]]) -> None:
        assert _told("handrolled", script) == _told("statemachine", script)

    drawn(st.lists(steps, min_size=1, max_size=8), holds)


WORKLOADS = (
    ("untracked", ("start_upload", "start_upload", "start_upload")),
    ("untracked", ("start_upload", "complete_upload", "fail_upload")),
    ("processing", ("complete_processing", "fail_processing", "start_upload")),
)


@pytest.mark.parametrize(
    ("locks", "state", "events"),
    [("", *WORKLOADS[0]), *(("-unlocked", *workload) for workload in WORKLOADS)],
    ids=["locked", "race", "chain", "end"],
)
def test_the_same_schedule_gives_the_same_calls(
    locks: str, state: str, events: tuple[str, ...], walked: Walk
) -> None:
    """Three attempts on one file, walked with the reference and replayed with the library."""
    hand, library = (
        dataclasses.replace(
            Workload(setup=f"{adapter}{locks}", state=state, events=events).scenario(),
            budget=Budget(),  # between which callbacks a cancellation strikes is the adapter's own
        )
        for adapter in ("handrolled", "statemachine")
    )
    trials = list(walked(hand))
    assert len({trial.outcome for trial in trials}) > 1 or not locks, "one outcome proves little"
    with Stage(library) as stage:
        for trial in trials:
            other = stage.run(ReplayScheduler(trial.run.deviations))
            assert str(trial.outcome) == str(other.outcome)
            assert trial.run.transcript.calls() == other.run.transcript.calls()
