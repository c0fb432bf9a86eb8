"""A cancellation reaches its caller: who is cancelled while it works ends cancelled.

``asyncio.timeout`` and task groups rely on it: a task whose cancellation is lost in a cleanup, or
taken for the end of a sleep, goes on working for nobody. Whether its transition was committed is
another question, and the journal answers it. A cleanup that swallows the cancellation it was
protected from, a retry that takes a cancelled sleep for a short one breaks it.
"""

import asyncio

import pytest

from properties.rules.meeting import reached
from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.simulation.scenarios import promises
from properties.simulation.transcript import Kind
from properties.specs.conftest import Walk
from properties.subjects import Offer, Place, Request, Subject, SubjectFactory

NEEDS = frozenset({Offer.SCENARIOS, Offer.BACKOFF, Offer.CALLBACKS, Offer.GUARDS})

MOST_TURNS = 60


def test_wherever_the_schedule_strikes(subject_name: str, walked: Walk) -> None:
    """Three attempts, two cancellations, at calls of the database and between them."""
    struck = 0
    for trial in walked(promises.cut_off(subject_name), times=4, fault_count=2):
        told = dict(trial.outcome.answers)
        for event in trial.run.transcript.events:
            if event.kind is Kind.FAULT and "cancel" in str(event.what):
                struck += 1
                assert told[event.actor] == "CancelledError", (
                    f"{event.actor} was cancelled, and is told {told[event.actor]}"
                )
    assert struck, "no cancellation struck anybody"


@pytest.mark.parametrize("place", [Place.GUARD, Place.BEFORE_COMMIT, Place.AFTER_COMMIT])
def test_at_a_callback_and_soon_after_it(make_subject: SubjectFactory, place: Place) -> None:
    """So many turns of the loop after the callback, until the attempt has ended before."""

    async def use(path: str) -> list[str]:
        subject = make_subject()
        await subject.make(path)
        lost = []
        try:
            for turns in range(MOST_TURNS):
                name = f"f{turns}"
                await subject.seed(name)
                if await _is_lost(subject, name, place, turns):
                    lost.append(f"{turns} turns after {place.value}")
        finally:
            await subject.close()
        return lost

    async def _is_lost(subject: Subject, name: str, place: Place, turns: int) -> bool:
        came = asyncio.Event()

        async def comes() -> None:
            came.set()

        asked = Request(
            attempt_id=name,
            file_path=name,
            event="start_upload",
            disturbances=((place, comes),),
        )
        attempt = asyncio.ensure_future(subject.attempt(asked))
        await reached(came, attempt)
        for _ in range(turns):
            await asyncio.sleep(0)
        is_cancelled = attempt.cancel()
        await asyncio.wait((attempt,))
        return is_cancelled and not attempt.cancelled()

    with scratch_folder() as folder:
        assert [] == asyncio.run(use(f"{folder}/files.db"))


def test_in_the_sleep_between_two_tries(make_subject: SubjectFactory) -> None:
    """While somebody else holds the write lock."""

    async def use(path: str) -> bool:
        subject = make_subject()
        await subject.make(path)
        outsider = Outsider(path, subject.layout)
        begun = asyncio.Event()

        async def backs_off() -> None:
            begun.set()

        try:
            await subject.seed("f")
            assert outsider.take_the_lock(None)
            asked = Request(
                attempt_id="a",
                file_path="f",
                event="start_upload",
                disturbances=((Place.BACKOFF, backs_off),),
            )
            attempt = asyncio.ensure_future(subject.attempt(asked))
            await reached(begun, attempt)
            assert attempt.cancel()
            await asyncio.wait((attempt,))
            return attempt.cancelled()
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        assert asyncio.run(use(f"{folder}/files.db")), "the cancelled attempt went on"
