"""Nothing is applied twice: an attempt moves its row once or not at all, however often it tries.

Each attempt has at most one row in the journal, each version of a file one, and an attempt that is
asked for again by its id is refused. So a caller who does not know whether its attempt came through
may ask again by the same id. A retry after a COMMIT that was sent, a journal without a unique
attempt id breaks it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from properties.rules import Evidence
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, Row, SubjectFactory

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
    """After it has moved the row, by the same id: the same event, and the next one."""

    async def use(path: str) -> tuple[list[AnswerKind], Row]:
        subject = make_subject()
        await subject.make(path)
        try:
            await subject.seed("f")
            asked = [
                Request(attempt_id="once", file_path="f", event=event)
                for event in ("start_upload", "start_upload", "complete_upload")
            ]
            told = [(await subject.attempt(each)).kind for each in asked]
            return told, await subject.read("f")
        finally:
            await subject.close()

    with scratch_folder() as folder:
        told, row = asyncio.run(use(f"{folder}/files.db"))
    assert AnswerKind.SUCCESS is told[0], f"the first time it was answered {told[0].value!r}"
    again = ", then ".join(repr(kind.value) for kind in told[1:])
    assert all(kind.says_unmoved for kind in told[1:]), (
        f"an attempt that had moved its row was asked for again, twice by the same id, and was "
        f"answered {again}: each time it must be refused"
    )
    assert Row("uploading", 1) == row
