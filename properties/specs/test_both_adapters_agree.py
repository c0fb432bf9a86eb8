"""Both adapters agree: the same script gives the same answers and the same journal.

The hand-rolled machine is the reference. Scripts run one attempt after another, so there is one
right answer to each. A library that takes, refuses or forgets an edge that the other does not
breaks it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from hypothesis import strategies as st

from properties.history import snapshot
from properties.rules import model
from properties.scratch import scratch_folder
from properties.subjects import CORE_SUBJECTS, Place, Request

steps = st.tuples(
    st.sampled_from(model.EVENTS),
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
