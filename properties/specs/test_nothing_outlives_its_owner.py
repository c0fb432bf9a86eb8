"""Nothing outlives its owner: no connection, thread, task, descriptor or lock is left behind.

Cancellation anywhere included: after each step the keeper is all that is open, a second writer
gets the write lock at once and a checkpoint is not held up. After the store is closed nothing is
open at all, nor after it could not be opened. Nothing is left to the garbage collector, and no
callback runs on when its attempt has ended. A connection left open on an error, a rollback
forgotten, a waiter lost breaks it.
"""

import asyncio
import contextlib
import gc
import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from properties.probes import ConnectionProbe, DescriptorProbe, ThreadProbe
from properties.rules import Evidence
from properties.scratch import scratch_folder
from properties.subjects import Offer, Place, Request, SubjectFactory


def judge(evidence: Evidence) -> None:
    """Report what the probes found."""
    assert not evidence.leaks, "; ".join(evidence.leaks)


def test_only_the_keeper_stays(explored: Callable[[], None]) -> None:
    """After each step, and after the close."""
    explored()


def _no_database(path: Path) -> None:
    path.write_bytes(b"This is no database, and long enough to be taken for one." * 99)


def _another_layout(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE files (something TEXT); PRAGMA user_version=7")


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoil", [_no_database, _another_layout, _a_folder])
def test_nothing_stays_of_a_store_that_cannot_be_opened(
    make_subject: SubjectFactory, spoil: Callable[[Path], None]
) -> None:
    """What is there is no database, is one of somebody else, or is a folder."""

    async def use(path: str) -> list[str]:
        subject = make_subject()
        with contextlib.suppress(Exception):
            await subject.make(path)
        await subject.close()
        return [*connections.findings(0), *threads.findings(0)]

    with scratch_folder() as folder:
        path = Path(folder, "files.db")
        spoil(path)
        descriptors = DescriptorProbe(folder)
        connections, threads = ConnectionProbe(), ThreadProbe()
        try:
            left = asyncio.run(use(str(path)))
            left += [*connections.findings(0), *threads.findings(0), *descriptors.findings()]
        finally:
            connections.forget()
    assert not left, "; ".join(left)


@pytest.mark.parametrize("place", [Place.GUARD, Place.BEFORE_COMMIT, Place.AFTER_COMMIT])
def test_no_callback_outlives_its_attempt(make_subject: SubjectFactory, place: Place) -> None:
    """One that takes its time to end when its attempt is cancelled."""
    subject = make_subject()
    needed = Offer.GUARDS if place is Place.GUARD else Offer.CALLBACKS
    if needed not in subject.offers:
        return

    async def use(path: str) -> list[str]:
        await subject.make(path)
        steps: list[str] = []
        begun = asyncio.Event()

        async def takes_its_time() -> None:
            begun.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                for _ in range(10):
                    await asyncio.sleep(0)
                steps.append("ended")

        try:
            await subject.seed("f")
            asked = Request(
                attempt_id="a",
                file_path="f",
                event="start_upload",
                disturbances=((place, takes_its_time),),
            )
            attempt = asyncio.ensure_future(subject.attempt(asked))
            await begun.wait()
            attempt.cancel()
            await asyncio.wait((attempt,))
            return list(steps)
        finally:
            await subject.close()

    with scratch_folder() as folder:
        assert ["ended"] == asyncio.run(use(f"{folder}/files.db"))


MOST_TURNS = 40


def test_nothing_is_left_to_the_garbage_collector(make_subject: SubjectFactory) -> None:
    """An attempt is cancelled after so many turns of the loop, from its very beginning on.

    Some libraries close what was dropped, with a warning; then no probe finds it, and it was open
    for as long as the collector liked.
    """

    async def use(path: str) -> None:
        subject = make_subject()
        await subject.make(path)
        try:
            await subject.seed("f")
            for turns in range(MOST_TURNS):
                asked = Request(attempt_id=f"a{turns}", file_path="f", event="fail_processing")
                attempt = asyncio.ensure_future(subject.attempt(asked))
                for _ in range(turns):
                    await asyncio.sleep(0)
                attempt.cancel()
                await asyncio.wait((attempt,))
                del attempt
        finally:
            await subject.close()

    with warnings.catch_warnings(record=True):
        gc.collect()  # what others have left behind is not of this case
    with scratch_folder() as folder, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        connections, threads = ConnectionProbe(), ThreadProbe()
        try:
            asyncio.run(use(f"{folder}/files.db"))
            left = [*connections.findings(0), *threads.findings(0)]
        finally:
            connections.forget()
    left += [str(each.message) for each in told if issubclass(each.category, ResourceWarning)]
    assert not left, f"{len(left)}: {left[0]}"
