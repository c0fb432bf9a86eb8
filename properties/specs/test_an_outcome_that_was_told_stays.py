"""An outcome that was told stays: who is told "not committed" will never find it committed.

Asked while the attempt is under way, in this process or in another one, the answer waits for its
end, or there is none yet; and whoever waits is answered when the attempt has ended, however it has
ended. An answer by a mere look into the journal, a read that does not wait for the COMMIT of
another process, a waiter who is not woken by a failure breaks it.
"""

import asyncio
import contextlib

import pytest

from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import Offer, Place, Request, Subject, SubjectFactory
from properties.subjects.worker import PATIENT_TRIES

NEEDS = frozenset({Offer.JOURNAL, Offer.OUTCOMES, Offer.GUARDS, Offer.CALLBACKS})

ENOUGH_READS = 8
"""Whoever answers at once has done so when so many others have read."""
ENOUGH_CALLS = 30
"""Who is not answered when so many calls of the same store have come and gone was forgotten."""

WAYS = {
    "succeeds": True,
    "fails": False,
    "is cancelled": False,
    "is refused": False,
}


class WayError(Exception):
    """What the callback of a failing attempt raises."""


async def _asked_on_the_way(
    subject: Subject, beside: Subject, way: str, place: Place
) -> tuple[bool | None, bool]:
    """Let somebody ask from ``place`` on; return the answer, and what is true at the end."""
    asking: list[asyncio.Task[bool | None]] = []

    async def somebody_asks() -> None:
        if not asking:
            asking.append(asyncio.ensure_future(subject.outcome_of("a")))
            for _ in range(ENOUGH_READS):
                await beside.read("f")  # and not by the subject: it may have one connection
        if way == "fails":
            raise WayError(place.value)
        if way == "is cancelled":
            attempt.cancel()
            await asyncio.sleep(0)

    asked = Request(
        attempt_id="a",
        file_path="f",
        event=subject.lifecycle.road(1)[0][0],
        guard_says=way != "is refused",
        disturbances=((place, somebody_asks),),
    )
    attempt = asyncio.ensure_future(subject.attempt(asked))
    await asyncio.wait((attempt,))
    for _ in range(ENOUGH_CALLS):
        await subject.outcome_of("somebody else's")
    (answer,) = asking
    if not answer.done():
        answer.cancel()
        raise AssertionError(f"who asked while the attempt ran is not answered when it {way}")
    return answer.result(), bool(await subject.outcome_of("a"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", [Place.GUARD, Place.BEFORE_COMMIT])
def test_asked_while_the_attempt_is_under_way(
    make_subject: SubjectFactory, place: Place, way: str
) -> None:
    """From its guard and from before its commit, whatever comes of it."""
    if way == "is refused" and place is not Place.GUARD:
        return  # it does not come that far

    async def use(path: str) -> tuple[bool | None, bool]:
        subject, beside = (make_subject(tries=PATIENT_TRIES) for _ in range(2))
        await subject.make(path)
        try:
            await subject.seed("f")
            await beside.make(path)
            try:
                return await _asked_on_the_way(subject, beside, way, place)
            finally:
                await beside.close()
        finally:
            await subject.close()

    with scratch_folder() as folder:
        told, found = asyncio.run(use(f"{folder}/files.db"))
    assert WAYS[way] == found
    assert told in (None, found), f"told {told} while it ran, and then it was {found}"


def test_asked_while_another_process_has_yet_to_commit(make_subject: SubjectFactory) -> None:
    """Its writes are made, its COMMIT is to come."""

    async def use(path: str) -> tuple[list[bool | None], bool | None]:
        subject = make_subject()
        await subject.make(path)
        outsider = Outsider(path, subject.layout)
        told: list[bool | None] = []
        try:
            await subject.seed("f")
            assert outsider.take_the_lock(None)
            ((event, target),) = subject.lifecycle.road(1)
            outsider.db.execute(subject.layout.move, (target, "f"))
            assert subject.layout.note is not None
            entry = ("theirs", "f", 1, event, subject.lifecycle.initial, target)
            outsider.db.execute(subject.layout.note, entry)
            with contextlib.suppress(Exception):  # busy is no answer, and so no wrong one
                told.append(await subject.outcome_of("theirs"))
            outsider.db.execute("COMMIT")
            return told, await subject.outcome_of("theirs")
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        told, found = asyncio.run(use(f"{folder}/files.db"))
    assert found is True
    assert told in ([], [None]), f"told {told[0]} before its COMMIT, which then came"
