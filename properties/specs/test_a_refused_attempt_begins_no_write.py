"""A refused attempt begins no write: it is refused at once, though somebody holds the write lock.

What the row says, what the guard says and which version was expected are known before BEGIN. A
machine that asks inside of its transaction is told busy here, and makes every writer wait for each
refusal.
"""

import asyncio

from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.V9, Offer.GUARDS, Offer.EXPECTED_VERSION})


def test_while_the_write_lock_is_held(make_subject: SubjectFactory) -> None:
    """No edge, a guard that says no, an old version; and, for comparison, one that has to write."""

    async def use(path: str) -> list[AnswerKind]:
        subject = make_subject()
        await subject.make(path)
        outsider = Outsider(path)
        try:
            await subject.seed("f")
            assert outsider.take_the_lock(None)
            asked = (
                Request(attempt_id="no edge", file_path="f", event="complete_upload"),
                Request(attempt_id="no", file_path="f", event="start_upload", guard_says=False),
                Request(attempt_id="old", file_path="f", event="start_upload", expected_version=7),
                Request(attempt_id="writes", file_path="f", event="start_upload"),
            )
            return [(await subject.attempt(each)).kind for each in asked]
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        told = asyncio.run(use(f"{folder}/files.db"))
    expected = [AnswerKind.NOT_ALLOWED, AnswerKind.REJECTED, AnswerKind.STALE, AnswerKind.BUSY]
    assert expected == told
