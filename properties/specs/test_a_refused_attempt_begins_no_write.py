"""A refused attempt begins no write: it is refused at once, though somebody holds the write lock.

What the row says, what the guard says and which version was expected are known before BEGIN, and no
wait changes them. A machine that asks inside of its transaction is told busy here, and makes every
writer wait for each refusal; one that tries a refusal again keeps its caller waiting for the same
answer. A version that is not the expected one is stale whichever of the two is the newer.
"""

import asyncio

from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Place, Request, SubjectFactory

NEEDS = frozenset({Offer.V9, Offer.GUARDS, Offer.EXPECTED_VERSION})


def test_while_the_write_lock_is_held(make_subject: SubjectFactory) -> None:
    """No edge, a guard that says no, another version; to compare with, one that has to write.

    Each on a file of its own: what one refusal leaves behind is another law's.
    """
    waited: list[str] = []

    def asked(
        attempt_id: str, *, event: str = "complete_upload", says: bool = True, at: int | None = None
    ) -> Request:
        async def waits() -> None:
            waited.append(attempt_id)

        return Request(
            attempt_id=attempt_id,
            file_path=attempt_id,
            event=event,
            guard_says=says,
            expected_version=at,
            disturbances=((Place.BACKOFF, waits),),
        )

    async def use(path: str) -> dict[str, AnswerKind]:
        subject = make_subject()
        await subject.make(path)
        outsider = Outsider(path)
        try:
            requests = (
                asked("no edge", event="start_upload"),
                asked("its guard says no", says=False),
                asked("expects a newer row", at=7),
                asked("expects an older row", at=0),
                asked("has to write"),
            )
            for name in (each.file_path for each in requests):
                await subject.seed(name)
                first = Request(attempt_id=f"before {name}", file_path=name, event="start_upload")
                assert AnswerKind.SUCCESS is (await subject.attempt(first)).kind
            assert outsider.take_the_lock(None)
            return {
                each.attempt_id: (await subject.attempt(each.within(subject.offers))).kind
                for each in requests
            }
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        told = asyncio.run(use(f"{folder}/files.db"))
    assert {
        "no edge": AnswerKind.NOT_ALLOWED,
        "its guard says no": AnswerKind.REJECTED,
        "expects a newer row": AnswerKind.STALE,
        "expects an older row": AnswerKind.STALE,
        "has to write": AnswerKind.BUSY,
    } == told
    assert set(waited) <= {"has to write"}, f"was refused, and waited before it: {waited[0]}"
