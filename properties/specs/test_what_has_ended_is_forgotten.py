"""What has ended is forgotten: memory does not grow with the attempts that there ever were.

A service makes a million of them. After some attempts of a kind, as many objects are alive as
before, but for the records of the log, which the subject keeps for the judge. A list of what has
been, a task that stays in a registry because its callback raised, breaks it. Objects alone are
looked at here, after eighty attempts; `two_hundred_transitions_leave_nothing` looks at all else.
Threads that are ending are waited for: until aiosqlite 0.19 that takes one a tenth of a second.
"""

import asyncio
from typing import Any

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


KINDS: dict[str, tuple[dict[str, Any], AnswerKind]] = {
    "succeed": ({}, AnswerKind.SUCCESS),
    "are refused by their guard": ({"guard_says": False}, AnswerKind.REJECTED),
    "fail before the commit": (
        {"disturbances": ((Place.BEFORE_COMMIT, _raises),)},
        AnswerKind.FAILED,
    ),
    "fail after the commit": (
        {"disturbances": ((Place.AFTER_COMMIT, _raises),)},
        AnswerKind.FAILED_AFTER_COMMIT,
    ),
}


async def _attempt(subject: Subject, name: str, kind: str) -> None:
    ((event, _),), (how, expected) = subject.lifecycle.road(1), KINDS[kind]
    asked = Request(attempt_id=name, file_path=name, event=event, **how)
    # In a task of its own, as callers are: what is kept of it is seen.
    answer = await asyncio.ensure_future(subject.attempt(asked))
    assert expected is answer.kind, answer


@pytest.mark.parametrize("kind", KINDS)
def test_after_eighty_attempts(make_subject: SubjectFactory, kind: str) -> None:
    """Of one kind, each on a file of its own."""

    async def use(path: str) -> list[str]:
        subject = make_subject()
        await subject.make(path)
        try:
            for number in range(WARM_UP + COUNT):
                await subject.seed(f"a{number}")
            for number in range(WARM_UP):
                await _attempt(subject, f"a{number}", kind)
            threads, objects = ThreadProbe(), ObjectProbe()
            try:
                for number in range(WARM_UP, WARM_UP + COUNT):
                    await _attempt(subject, f"a{number}", kind)
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
