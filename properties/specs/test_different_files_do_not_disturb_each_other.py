"""Different files do not disturb each other: ten attempts on ten files are ten successes.

They share one database and one write lock, and nothing else: under every schedule that is tried the
only attempt on a file is told the same, whatever happens to another file, and none waits for the
lock of another file. A lock shared by files that is not
fair, a WHERE clause without the key, or a stale answer for a row nobody else touched breaks it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from hypothesis import strategies as st

from properties.history import snapshot
from properties.scratch import scratch_folder
from properties.simulation.scenarios import promises
from properties.specs.conftest import Walk
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory
from properties.subjects.worker import PATIENT_TRIES

NEEDS = frozenset({Offer.SCENARIOS, Offer.JOURNAL})

CROWD = 64


def test_nobody_waits_for_the_lock_of_another_file(subject_name: str, walked: Walk) -> None:
    """The guard of one file's attempt waits until the attempt on the other file has ended."""
    for trial in walked(promises.patient_neighbour(subject_name)):
        assert trial.violation is None


def test_ten_files_ten_successes(
    make_subject: SubjectFactory, drawn: Callable[[Any, Callable[[Any], None]], None]
) -> None:
    """All at once, some of the files already further on than others."""

    async def race(path: str, ahead: list[bool]) -> None:
        subject = make_subject(tries=PATIENT_TRIES)
        await subject.make(path)
        try:
            for index, is_ahead in enumerate(ahead):
                await subject.seed(f"f{index}")
                if is_ahead:
                    await subject.attempt(_request("before", index, "start_upload"))
            answers = await asyncio.gather(
                *(
                    subject.attempt(
                        _request("now", index, "complete_upload" if is_ahead else "start_upload")
                    )
                    for index, is_ahead in enumerate(ahead)
                )
            )
            assert [AnswerKind.SUCCESS] * len(ahead) == [answer.kind for answer in answers], answers
        finally:
            await subject.close()
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            shot = snapshot(db, subject.layout)
        assert shot.rows == {
            f"f{index}": ("processing", 2) if is_ahead else ("uploading", 1)
            for index, is_ahead in enumerate(ahead)
        }

    def holds(ahead: list[bool]) -> None:
        with scratch_folder() as folder:
            asyncio.run(race(f"{folder}/files.db", ahead))

    drawn(st.lists(st.booleans(), min_size=10, max_size=10), holds)


def test_a_crowd_on_as_many_files(make_subject: SubjectFactory) -> None:
    """Whoever is told success is in the journal and nobody else; some may give up before a lock."""

    async def race(path: str) -> set[str]:
        subject = make_subject()
        await subject.make(path)
        try:
            for index in range(CROWD):
                await subject.seed(f"f{index}")
            asked = [_request("now", index, "start_upload") for index in range(CROWD)]
            answers = await asyncio.gather(*map(subject.attempt, asked))
        finally:
            await subject.close()
        told = zip(asked, answers, strict=True)
        return {each.attempt_id for each, answer in told if answer.kind is AnswerKind.SUCCESS}

    with scratch_folder() as folder:
        told = asyncio.run(race(f"{folder}/files.db"))
        with closing(sqlite3.connect(f"{folder}/files.db", isolation_level=None)) as db:
            shot = snapshot(db, make_subject().layout)
    assert told == {entry.attempt_id for entry in shot.journal}
    assert len(told) == sum(version for _, version in shot.rows.values())


def test_the_only_attempt_on_a_file_is_told_the_same(subject_name: str, walked: Walk) -> None:
    """Beside three attempts on another file, one of which is cancelled somewhere."""
    told = {
        dict(trial.outcome.answers)["a"]
        for trial in walked(promises.neighbours(subject_name), times=2, fault_count=1)
    }
    assert {"ok untracked->uploading v1"} == told - {"CancelledError"}


def _request(when: str, index: int, event: str) -> Request:
    return Request(attempt_id=f"{when}-{index}", file_path=f"f{index}", event=event)
