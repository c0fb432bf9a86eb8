"""What has ended is forgotten: memory does not grow with the attempts that there ever were.

A service makes a million of them. After some attempts of a kind, as many objects are alive as
before, but for the records of the log, which the subject keeps for the judge. A list of what has
been, a task that stays in a registry because its callback raised, breaks it. Objects alone are
looked at here, after eighty attempts; `two_hundred_transitions_leave_nothing` looks at all else.
Threads that are ending are waited for: until aiosqlite 0.19 that takes one a tenth of a second.
"""

import asyncio
from collections.abc import Callable

import pytest

from properties.probes import ObjectProbe, ThreadProbe
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Place, Request, Subject, SubjectFactory

NEEDS = frozenset({Offer.CALLBACKS, Offer.GUARDS})

WARM_UP = 8
COUNT = 80
OBJECTS_A_RECORD = 2
"""The subject keeps its log in memory: a record, and what it holds."""
OBJECTS_OF_THE_LAST = 60
"""The attempt that ended last may be held by the loop and by its thread for some turns more."""


class StepError(Exception):
    """What a callback raises."""


async def _raises() -> None:
    raise StepError("as asked")


def _succeeds(attempt_id: str) -> Request:
    return Request(attempt_id=attempt_id, file_path=attempt_id, event="start_upload")


def _is_refused(attempt_id: str) -> Request:
    return Request(
        attempt_id=attempt_id, file_path=attempt_id, event="start_upload", guard_says=False
    )


def _fails(place: Place) -> Callable[[str], Request]:
    def of(attempt_id: str) -> Request:
        return Request(
            attempt_id=attempt_id,
            file_path=attempt_id,
            event="start_upload",
            disturbances=((place, _raises),),
        )

    return of


KINDS: dict[str, tuple[Callable[[str], Request], AnswerKind]] = {
    "succeed": (_succeeds, AnswerKind.SUCCESS),
    "are refused by their guard": (_is_refused, AnswerKind.REJECTED),
    "fail before the commit": (_fails(Place.BEFORE_COMMIT), AnswerKind.FAILED),
    "fail after the commit": (_fails(Place.AFTER_COMMIT), AnswerKind.FAILED_AFTER_COMMIT),
}


async def _attempt(subject: Subject, asked: Request, expected: AnswerKind) -> None:
    # In a task of its own, as callers are: what is kept of it is seen.
    answer = await asyncio.ensure_future(subject.attempt(asked))
    assert expected is answer.kind, answer


@pytest.mark.parametrize("kind", KINDS)
def test_after_eighty_attempts(make_subject: SubjectFactory, kind: str) -> None:
    """Of one kind, each on a file of its own."""
    of, expected = KINDS[kind]

    async def use(path: str) -> list[str]:
        subject = make_subject()
        await subject.make(path)
        try:
            for number in range(WARM_UP + COUNT):
                await subject.seed(f"a{number}")
            for number in range(WARM_UP):
                await _attempt(subject, of(f"a{number}"), expected)
            threads, objects = ThreadProbe(), ObjectProbe()
            try:
                for number in range(WARM_UP, WARM_UP + COUNT):
                    await _attempt(subject, of(f"a{number}"), expected)
                for _ in range(WARM_UP):
                    await asyncio.sleep(0)
                threads.findings(0)
                return objects.findings(OBJECTS_A_RECORD * COUNT + OBJECTS_OF_THE_LAST)
            finally:
                objects.end()
        finally:
            await subject.close()

    with scratch_folder() as folder:
        left = asyncio.run(use(f"{folder}/files.db"))
    assert not left, f"after {COUNT} attempts that {kind}: {left[0]}"
