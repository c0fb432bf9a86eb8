"""When COMMIT was sent and no good answer came: said so, never retried, and answered by reading."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fsmcore import (
    AttemptReusedError,
    DefinitionError,
    Fate,
    FsmCoreError,
    InvalidKeyError,
    MachineFactory,
    Outcome,
    OutcomeUnknownError,
    PerTransition,
    RetryPolicy,
    Schema,
    Store,
    StoreBusyError,
    StoreUnavailableError,
    Synchronous,
)
from fsmcore.tests.support import (
    KEY,
    NO_WAITING,
    Connections,
    can_be_written,
    held_write_lock,
    journal_count,
    opened,
    records,
    state,
)


def denying(*denied: tuple[int, str | None]) -> Callable[[sqlite3.Connection], None]:
    """Return a hook that denies actions, named by code and first argument (None: any)."""

    def authorize(action: int, first: str | None, *_rest: object) -> int:
        refused = (action, first) in denied or (action, None) in denied
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    return lambda connection: connection.set_authorizer(authorize)


DENIED_COMMIT = denying((sqlite3.SQLITE_TRANSACTION, "COMMIT"))


async def test_a_denied_commit_is_unknown_and_then_known(
    path: Path, machine: MachineFactory, native: Connections
) -> None:
    """AUTH at COMMIT: the caller is told *unknown*, and a later commit settles it."""
    async with opened(path, machine=machine, files=(KEY, "b.txt")) as manager:
        with native.prepared(DENIED_COMMIT):
            with pytest.raises(OutcomeUnknownError) as caught:
                await manager.transition(KEY, "start_upload", attempt_id="mine")
        assert ("mine", KEY) == (caught.value.attempt_id, caught.value.file_path)
        assert "COMMIT was sent and failed (DatabaseError SQLITE_AUTH: not authorized)" in str(
            caught.value
        )
        (record,) = records(manager)
        assert Outcome.UNKNOWN is record.outcome
        assert can_be_written(path)
        assert ("untracked", 0) == state(path)
        assert Fate.UNKNOWN is (await manager.store.outcome_of("mine")).fate
        assert Fate.NOT_COMMITTED is (await manager.store.outcome_of("another")).fate
        await manager.transition("b.txt", "start_upload")
        assert Fate.NOT_COMMITTED is (await manager.store.outcome_of("mine")).fate


async def test_a_commit_without_fsync_settles_nothing(path: Path, native: Connections) -> None:
    """With synchronous NORMAL a later commit may be lost too, so the doubt stays."""
    connections = PerTransition(synchronous=Synchronous.NORMAL)
    async with opened(path, files=(KEY, "b.txt"), connections=connections) as manager:
        with native.prepared(DENIED_COMMIT):
            with pytest.raises(OutcomeUnknownError):
                await manager.transition(KEY, "start_upload", attempt_id="mine")
        await manager.transition("b.txt", "start_upload")
        assert Fate.UNKNOWN is (await manager.store.outcome_of("mine")).fate


async def test_a_commit_that_came_first_settles_nothing(path: Path, native: Connections) -> None:
    """Of two attempts that overlap, the one that ends last may have committed first."""
    committed, go_on = asyncio.Event(), asyncio.Event()

    async def linger(row: object, edge: object) -> None:
        committed.set()
        await go_on.wait()

    async with opened(path, files=(KEY, "b.txt"), after_commit=linger) as manager:
        early = asyncio.create_task(manager.transition("b.txt", "start_upload"))
        await committed.wait()
        with native.prepared(DENIED_COMMIT):
            with pytest.raises(OutcomeUnknownError):
                await manager.transition(KEY, "start_upload", attempt_id="mine")
        go_on.set()
        await early
        assert Fate.UNKNOWN is (await manager.store.outcome_of("mine")).fate


async def test_an_interrupt_anywhere_is_told_truthfully(path: Path, native: Connections) -> None:
    """SQLite is interrupted at its n-th step, for every n: *not written* and *unknown* are true.

    One of these points makes the row durable and raises all the same.
    """
    seen: set[tuple[str, bool]] = set()
    async with opened(path, files=()) as manager:
        for point in range(1, 400):
            key = f"{point}.txt"
            await manager.track(key)
            counter = iter(range(1, 1_000_000))

            def interrupts(counter: Iterator[int] = counter, point: int = point) -> int:
                return int(next(counter) == point)

            answer: object = None
            with native.prepared(lambda c: c.set_progress_handler(interrupts, 1)):
                try:
                    answer = await manager.transition(key, "start_upload", attempt_id=key)
                except FsmCoreError as error:
                    answer = error
            moved = state(path, key) == ("uploading", 1)
            fate = (await manager.store.outcome_of(key)).fate
            record = records(manager)[-1]
            assert can_be_written(path)
            if isinstance(answer, OutcomeUnknownError):
                assert Outcome.UNKNOWN is record.outcome
                assert fate is (Fate.COMMITTED if moved else Fate.UNKNOWN)
            elif isinstance(answer, FsmCoreError):
                assert isinstance(answer, StoreUnavailableError)
                assert "SQLITE_INTERRUPT" in str(answer)
                assert Outcome.FAILED is record.outcome
                assert (False, Fate.NOT_COMMITTED) == (moved, fate)
            else:
                assert (True, Fate.COMMITTED) == (moved, fate)
            seen.add((type(answer).__name__, moved))
            if next(counter) <= point:
                break
    assert seen == {
        ("StoreUnavailableError", False),
        ("OutcomeUnknownError", False),
        ("OutcomeUnknownError", True),
        ("TransitionResult", True),
    }


@pytest.mark.parametrize(
    "denied",
    [
        (sqlite3.SQLITE_TRANSACTION, "BEGIN"),
        (sqlite3.SQLITE_UPDATE, "files"),
        (sqlite3.SQLITE_INSERT, "transitions"),
        (sqlite3.SQLITE_READ, "files"),
    ],
    ids=["begin", "update", "insert", "read"],
)
async def test_a_denial_before_the_commit_is_definite(
    path: Path, machine: MachineFactory, native: Connections, denied: tuple[int, str]
) -> None:
    """AUTH at BEGIN, UPDATE, INSERT or SELECT: nothing was written, and that is what is said."""
    async with opened(path, machine=machine) as manager:
        with native.prepared(denying(denied)):
            with pytest.raises(StoreUnavailableError, match="SQLITE_AUTH") as caught:
                await manager.transition(KEY, "start_upload", attempt_id="mine")
        assert "Nothing was written" in str(caught.value)
        assert ("untracked", 0) == state(path)
        assert Fate.NOT_COMMITTED is (await manager.store.outcome_of("mine")).fate
        (record,) = records(manager)
        assert Outcome.FAILED is record.outcome
        assert can_be_written(path)


async def test_a_denied_rollback_does_not_keep_the_lock(
    path: Path, native: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    """Even ROLLBACK may fail; the connection is closed all the same, and that ends it."""
    hook = denying((sqlite3.SQLITE_TRANSACTION, "COMMIT"), (sqlite3.SQLITE_TRANSACTION, "ROLLBACK"))
    async with opened(path) as manager:
        with native.prepared(hook):
            with pytest.raises(OutcomeUnknownError):
                await manager.transition(KEY, "start_upload")
        assert can_be_written(path)
        assert ("untracked", 0) == state(path)
    assert "rollback failed" in caplog.text


async def test_an_outcome_waits_while_the_attempt_waits_for_its_lock(path: Path) -> None:
    """An attempt that has not begun to write may still commit, so it is waited for."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(row: object, edge: object) -> bool:
        begun.set()
        await go_on.wait()
        return True

    async with opened(path, guards={"start_upload": slow}) as manager:
        first = asyncio.create_task(manager.transition(KEY, "start_upload"))
        await begun.wait()
        second = asyncio.create_task(
            manager.transition(KEY, "complete_upload", attempt_id="second")
        )
        await asyncio.sleep(0)
        asked = asyncio.create_task(manager.store.outcome_of("second"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not asked.done()
        go_on.set()
        await asyncio.gather(first, second)
        answer = await asked
    assert Fate.COMMITTED is answer.fate
    assert answer.entry is not None
    assert (2, "complete_upload") == (answer.entry.version, answer.entry.event)


async def test_an_outcome_waits_between_two_tries(path: Path) -> None:
    """While an attempt sleeps before its next try it may still commit, so it is waited for."""
    asked: list[asyncio.Task[Any]] = []

    async def sleep(_seconds: float) -> None:
        asked.append(asyncio.create_task(manager.store.outcome_of("mine")))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not asked[-1].done()
        lock.rollback()

    async with opened(path, retry=RetryPolicy(sleep=sleep)) as manager:
        with held_write_lock(path) as lock:
            result = await manager.transition(KEY, "start_upload", attempt_id="mine")
        assert 2 == result.tries
        (answer,) = await asyncio.gather(*asked)
    assert Fate.COMMITTED is answer.fate


async def test_a_callback_may_not_wait_for_its_own_attempt(
    path: Path, machine: MachineFactory
) -> None:
    """Asked from inside the attempt, both questions would wait for ever; they are refused."""

    async def asks(row: object, edge: object) -> None:
        await manager.store.outcome_of("mine")

    async def moves(row: object, edge: object) -> None:
        await manager.transition(KEY, "complete_upload")

    for callback, words in ((asks, "asks for the outcome"), (moves, "wants to move the file")):
        target = path.with_name(words)
        async with opened(target, machine=machine, before_commit=callback) as manager:
            with pytest.raises(DefinitionError, match=f"attempt 'mine' {words}"):
                async with asyncio.timeout(5):
                    await manager.transition(KEY, "start_upload", attempt_id="mine")


async def test_a_callback_may_ask_about_others_and_move_others(
    path: Path, machine: MachineFactory
) -> None:
    """Another file and another attempt are nobody's business but the callback's."""
    answers: list[object] = []

    async def after(row: Any, edge: object) -> None:
        if row.file_path == KEY:
            answers.append(await manager.transition("b.txt", "start_upload", attempt_id="b"))
            answers.append(await manager.store.outcome_of("b"))

    async with opened(path, machine=machine, files=(KEY, "b.txt"), after_commit=after) as manager:
        await manager.transition(KEY, "start_upload")
    assert [("uploading", 1)] * 2 == [state(path, name) for name in (KEY, "b.txt")]
    assert 2 == len(answers)


async def test_an_attempt_id_names_one_attempt(path: Path, machine: MachineFactory) -> None:
    """An id in the journal, and one under way, is refused; the file stays as it was."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(row: object, edge: object) -> bool:
        begun.set()
        await go_on.wait()
        return True

    guards = {"start_upload": slow}
    async with opened(path, machine=machine, files=(KEY, "b.txt"), guards=guards) as manager:
        first = asyncio.create_task(manager.transition(KEY, "start_upload", attempt_id="mine"))
        await begun.wait()
        with pytest.raises(AttemptReusedError, match="attempt id 'mine' is used already"):
            await manager.transition("b.txt", "start_upload", attempt_id="mine")
        go_on.set()
        await first
        with pytest.raises(AttemptReusedError, match="an id names one attempt"):
            await manager.transition("b.txt", "start_upload", attempt_id="mine")
        outcomes = [record.outcome for record in records(manager)]
    assert [Outcome.FAILED, Outcome.SUCCESS, Outcome.FAILED] == outcomes
    assert ("untracked", 0) == state(path, "b.txt")
    assert 1 == journal_count(path)


async def test_an_outcome_is_read_under_the_write_lock(path: Path) -> None:
    """While another connection may be committing there is no answer, rather than a wrong one."""
    async with opened(path, retry=NO_WAITING) as manager:
        with held_write_lock(path), pytest.raises(StoreBusyError, match="Nothing was written"):
            await manager.store.outcome_of("mine")
        assert can_be_written(path)


@pytest.mark.parametrize("attempt_id", ["", "\ud800", 5, None])
async def test_an_outcome_of_no_id_is_refused(path: Path, attempt_id: Any) -> None:
    """An id that SQLite cannot hold names no attempt."""
    async with opened(path) as manager:
        with pytest.raises(InvalidKeyError, match="attempt id"):
            await manager.store.outcome_of(attempt_id)


async def test_without_a_journal_an_outcome_cannot_be_asked_for(
    path: Path, native: Connections
) -> None:
    """The journal is what answers; without it the error says what to read instead."""
    async with opened(path, schema=Schema(journal_table=None)) as manager:
        with pytest.raises(DefinitionError, match="the journal is switched off"):
            await manager.store.outcome_of("mine")
        with pytest.raises(DefinitionError, match="the journal is switched off"):
            await manager.store.journal()
        with native.prepared(DENIED_COMMIT):
            with pytest.raises(OutcomeUnknownError) as caught:
                await manager.transition(KEY, "start_upload")
    assert "outcome_of" not in str(caught.value)
    assert str(caught.value).endswith("Do not retry; read the row.")


async def test_tracking_that_may_have_happened_says_so(path: Path, native: Connections) -> None:
    """A failed COMMIT of track() is unknown as well, and is not retried."""
    async with opened(path, files=()) as manager:
        with native.prepared(DENIED_COMMIT):
            with pytest.raises(FsmCoreError, match="COMMIT was sent and failed") as caught:
                await manager.track(KEY)
        assert caught.value.outcome_unknown
        assert not caught.value.retryable
        await manager.track(KEY)


async def test_another_process_can_ask_too(path: Path) -> None:
    """The journal is in the file: a second store answers for an attempt of the first."""
    async with opened(path) as manager, Store(path) as other:
        await manager.transition(KEY, "start_upload", attempt_id="mine")
        assert Fate.COMMITTED is (await other.outcome_of("mine")).fate
        assert Fate.NOT_COMMITTED is (await other.outcome_of("other")).fate
