"""Nothing outlives its owner: no connection, thread, task, descriptor or lock is left behind.

Cancellation anywhere included: after each step the keeper is all that is open, a second writer
gets the write lock at once and a checkpoint is not held up. After the store is closed nothing is
open at all, nor after it could not be opened: then what is there is as it was, too. Reads, new
files, opening and closing may be cut off or fail as an attempt may. Nothing is left to the garbage
collector, and no callback runs on when its attempt has ended. A connection left open on an error, a
rollback forgotten, a waiter lost, a file made anew over another one breaks it.
"""

import asyncio
import contextlib
import gc
import sqlite3
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fsmcore import Schema
from properties.probes import ConnectionProbe, DescriptorProbe, ThreadProbe
from properties.rules import Evidence
from properties.rules.meeting import reached
from properties.scratch import scratch_folder
from properties.subjects import Offer, Place, Request, Subject, SubjectFactory
from properties.subjects.protocol import kept_count


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


def _a_later_layout(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(";".join(Schema().create_statements()))
        db.execute("INSERT INTO files VALUES ('f', 'indexed', NULL, 3, NULL, NULL)")
        db.commit()
        db.execute("PRAGMA user_version=10")


def _an_earlier_layout(path: Path) -> None:
    _a_later_layout(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=8")


def _a_folder(path: Path) -> None:
    path.mkdir()


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _dump(path: Path) -> set[str]:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        return set(db.iterdump())
    return set()


SPOILS = (_no_database, _another_layout, _a_later_layout, _an_earlier_layout, _a_folder)


@pytest.mark.parametrize("spoil", SPOILS)
def test_nothing_stays_of_a_store_that_cannot_be_opened(
    make_subject: SubjectFactory, spoil: Callable[[Path], None]
) -> None:
    """What is there is no database, is one of another layout or version, or is a folder.

    Who opens it all the same, as it likes, leaves in it what it holds.
    """

    async def use(path: str) -> tuple[list[str], bool]:
        subject = make_subject()
        is_refused = False
        try:
            await subject.make(path)
        except Exception:
            is_refused = True
        await subject.close()
        return [*connections.findings(0), *threads.findings(0)], is_refused

    with scratch_folder() as folder:
        path = Path(folder, "files.db")
        spoil(path)
        before, said = _bytes(path), _dump(path)
        descriptors = DescriptorProbe(folder)
        connections, threads = ConnectionProbe(), ThreadProbe()
        try:
            left, is_refused = asyncio.run(use(str(path)))
            left += [*connections.findings(0), *threads.findings(0), *descriptors.findings()]
        finally:
            connections.forget()
        after, lost = _bytes(path), said - _dump(path)
    assert not left, "; ".join(left)
    assert not is_refused or before == after, "what could not be opened is not as it was"
    assert not lost, f"what was there is gone: {lost}"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(Place.GUARD, marks=pytest.mark.needs(Offer.GUARDS)),
        pytest.param(Place.BEFORE_COMMIT, marks=pytest.mark.needs(Offer.CALLBACKS)),
        pytest.param(Place.AFTER_COMMIT, marks=pytest.mark.needs(Offer.CALLBACKS)),
    ],
)
def test_no_callback_outlives_its_attempt(make_subject: SubjectFactory, place: Place) -> None:
    """One that takes its time to end when its attempt is cancelled."""
    subject = make_subject()

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
                event=subject.lifecycle.road(1)[0][0],
                disturbances=((place, takes_its_time),),
            )
            attempt = asyncio.ensure_future(subject.attempt(asked))
            await reached(begun, attempt)
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
            event = subject.lifecycle.refused(subject.lifecycle.initial)
            for turns in range(MOST_TURNS):
                asked = Request(attempt_id=f"a{turns}", file_path="f", event=event)
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


TURNS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
"""After how many turns of the loop a call is cut off."""

Call = Callable[[Subject, str], Awaitable[object]]
CALLS: dict[str, Call] = {
    "read": lambda subject, _name: subject.read("f"),
    "read of no file": lambda subject, name: subject.read(name),
    "outcome": lambda subject, name: subject.outcome_of(name),
    "new file": lambda subject, name: subject.seed(name),
    "file that is there": lambda subject, _name: subject.seed("f"),
}


async def _cut_off(call: Awaitable[object], turns: int) -> None:
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # that it fails is no matter here


def test_whoever_asks_may_be_cut_off(make_subject: SubjectFactory) -> None:
    """Reads, questions and new files, cancelled or failing; then opening, then closing."""

    async def asks(path: str) -> list[str]:
        subject = make_subject()
        await subject.make(path)
        left = []
        try:
            await subject.seed("f")
            for what, call in CALLS.items():
                if what == "outcome" and Offer.OUTCOMES not in subject.offers:
                    continue
                for turns in TURNS:
                    await _cut_off(call(subject, f"{what} {turns}"), turns)
                with contextlib.suppress(Exception):
                    await call(subject, what)
                found = connections.findings(kept_count(subject))
                left += [f"{what}: {each}" for each in found]
        finally:
            await subject.close()
        return left

    async def opens(path: str) -> list[str]:
        for turns in TURNS:
            subject = make_subject()
            await _cut_off(subject.make(path), turns)
            await subject.close()
        left = [f"make: {each}" for each in connections.findings(0)]
        for turns in TURNS:
            subject = make_subject()
            await subject.make(path)
            await _cut_off(subject.close(), turns)
            await subject.close()
        return left + [f"close: {each}" for each in connections.findings(0)]

    connections, threads = ConnectionProbe(), ThreadProbe()
    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        try:
            left = asyncio.run(asks(path)) + asyncio.run(opens(path))
            left += [*connections.findings(0), *threads.findings(0)]
        finally:
            connections.forget()
    assert not left, "; ".join(left)
