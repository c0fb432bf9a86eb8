"""Nothing is applied twice: an attempt moves its row once or not at all, however often it tries.

Each attempt has at most one row in the journal, each version of a file one, and an attempt that is
asked for again by its id is refused. So a caller who does not know whether its attempt came through
may ask again by the same id. A retry after a COMMIT that was sent, a journal without a unique
attempt id, ids that only the process remembers break it.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from properties.history import snapshot
from properties.rules import Evidence
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, Subject, SubjectFactory

NEEDS = frozenset({Offer.JOURNAL})


def judge(evidence: Evidence) -> None:
    """Count each attempt's and each version's rows, and the row's steps."""
    journal = evidence.snapshot.journal
    attempts = Counter(entry.attempt_id for entry in journal)
    twice = [attempt for attempt, count in attempts.items() if count > 1]
    assert not twice, f"applied more than once: {', '.join(twice)}"
    versions = Counter((entry.file_path, entry.version) for entry in journal)
    shared = [version for version, count in versions.items() if count > 1]
    assert not shared, f"written more than once: {shared}"
    for file_path, (_, version) in evidence.snapshot.rows.items():
        steps = len(evidence.snapshot.of_file(file_path))
        assert version == steps, f"{file_path!r}: version {version} after {steps} transitions"


def test_however_often_it_tries(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()


def test_an_attempt_that_is_asked_for_again_is_refused(make_subject: SubjectFactory) -> None:
    """After it has moved the row, by the same id: the same event, and the next one.

    By whom it was asked before, by another subject on the same file, and by one that has opened it
    since the first one has closed.
    """

    lifecycle = make_subject().lifecycle
    first_event, next_event = (event for event, _ in (lifecycle.road(2) * 2)[:2])

    async def ask(subject: Subject, *events: str) -> list[AnswerKind]:
        asked = [Request(attempt_id="once", file_path="f", event=event) for event in events]
        return [(await subject.attempt(each)).kind for each in asked]

    async def use(path: str) -> list[AnswerKind]:
        first, beside, after = make_subject(), make_subject(), make_subject()
        told = []
        await first.make(path)
        try:
            await first.seed("f")
            told += await ask(first, first_event, first_event, next_event)
            await beside.make(path)
            try:
                told += await ask(beside, next_event)
            finally:
                await beside.close()
        finally:
            await first.close()
        await after.make(path)
        try:
            return told + await ask(after, next_event)
        finally:
            await after.close()

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        told = asyncio.run(use(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            shot = snapshot(db, make_subject().layout)
    assert AnswerKind.SUCCESS is told[0], f"the first time it was answered {told[0].value!r}"
    again = ", then ".join(repr(kind.value) for kind in told[1:])
    assert all(kind.says_unmoved for kind in told[1:]), (
        "an attempt that had moved its row was asked for again by the same id, twice as before, by "
        f"another subject and after opening anew, and was answered {again}: each time it must be "
        "refused"
    )
    assert {"f": (lifecycle.target(lifecycle.initial, first_event), 1)} == shot.rows
    assert [("once", 1, first_event)] == [
        (entry.attempt_id, entry.version, entry.event) for entry in shot.journal
    ]
