"""``Store.attempt``: one try without a manager, for who brings a machine of his own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fsmcore import (
    AttemptReusedError,
    Edge,
    Fate,
    FileRow,
    StaleTransitionError,
    Store,
    StoreUnavailableError,
)
from fsmcore.connections import CommitFate
from fsmcore.tests.support import KEY, Connections, opened, state

START = Edge("untracked", "start_upload", "uploading")


async def test_an_attempt_reads_and_writes_once_under_its_id(path: Path) -> None:
    """The row is what was written, the journal names the attempt, and its outcome is known."""
    async with opened(path) as manager:
        store = manager.store
        async with store.attempt("mine") as attempt:
            row = await attempt.read(KEY)
            moved = await attempt.compare_and_set(row, START, last_error="E", failure_info="F")
            with pytest.raises(AttemptReusedError):
                await attempt.compare_and_set(moved, START)
        assert CommitFate.COMMITTED is attempt.fate
        assert FileRow(KEY, "uploading", 1, moved.updated_at, "E", "F") == moved
        assert moved == await store.read(KEY)
        outcome = await store.outcome_of("mine")
        (entry,) = await store.journal()
    assert (Fate.COMMITTED, entry) == (outcome.fate, outcome.entry)
    assert ("mine", KEY, 1, "start_upload", "untracked", "uploading", moved.updated_at) == (
        entry.attempt_id,
        entry.file_path,
        entry.version,
        entry.event,
        entry.from_state,
        entry.to_state,
        entry.happened_at,
    )


async def test_an_attempt_that_ends_badly_has_ended(path: Path, native: Connections) -> None:
    """Its id is free, whoever asks for its outcome is told, and nothing stays open."""
    async with opened(path) as manager:
        store, kept_count = manager.store, native.open_count
        row = await store.read(KEY)
        with pytest.raises(StaleTransitionError):
            async with store.attempt("mine") as attempt:
                await attempt.compare_and_set(row._replace(version=7), START)
        async with asyncio.timeout(30):
            assert Fate.NOT_COMMITTED is (await store.outcome_of("mine")).fate
        async with store.attempt("mine"):
            with pytest.raises(AttemptReusedError):
                store.attempt("mine").__enter__()
            asked = asyncio.create_task(store.outcome_of("mine"))
            await asyncio.sleep(0)
            assert not asked.done()
        async with asyncio.timeout(30):
            assert Fate.NOT_COMMITTED is (await asked).fate
        assert kept_count == native.open_count
    assert ("untracked", 0) == state(path)


async def test_an_attempt_that_gets_no_connection_has_not_begun(path: Path) -> None:
    """On a store that is not open, or no longer: the next attempt may have its id."""
    store = Store(path, create=True)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="not open"):
            async with store.attempt("mine"):
                pass
        async with store, store.attempt("mine") as attempt:
            assert CommitFate.NOT_SENT is attempt.fate
