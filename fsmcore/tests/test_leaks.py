"""What an attempt takes, it gives back: threads, tasks, descriptors, connections, objects."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections import Counter
from pathlib import Path

import pytest

from fsmcore import (
    FsmCoreError,
    HandRolledAdapter,
    MachineFactory,
    StaleTransitionError,
    Store,
    StoreUnavailableError,
)
from fsmcore.tests.support import (
    Connections,
    descriptors,
    opened,
    records,
    settle_threads,
)


async def test_nothing_is_left_after_a_hundred_attempts(
    path: Path, machine: MachineFactory, native: Connections
) -> None:
    """Fifty successes and fifty refusals later, everything is back at its baseline.

    The baseline comes after a first burst: while the keeper holds its lock, SQLite keeps the
    descriptors of closed connections and gives them to the next ones, as many as were open at once.
    """
    names = tuple(f"{number}.txt" for number in range(50))
    async with opened(path, machine=machine, files=names) as manager:
        await asyncio.gather(*(manager.store.read(name) for name in names[:10]))
        threads = {thread.ident or 0 for thread in threading.enumerate()}
        before = (native.open_count, len(asyncio.all_tasks()))
        files = Counter(descriptors())
        for start in range(0, 50, 10):
            group = names[start : start + 10]
            await asyncio.gather(
                *(manager.transition(name, "start_upload") for name in group * 2),
                return_exceptions=True,
            )
        assert [] == settle_threads(threads)
        assert before == (native.open_count, len(asyncio.all_tasks()))
        # SQLite keeps as many as were ever open at once; a leak would be one an attempt.
        assert (Counter(descriptors()) - files).total() < 10
        assert 100 == len(records(manager))


async def test_no_object_is_left_without_the_collector(path: Path) -> None:
    """Attempts, refused, stale and cancelled ones too, are freed by their reference counts alone.

    Not those that met an error of SQLite: aiosqlite's frame holds the future that holds the error.
    """

    async def attempts(name: str) -> None:
        await manager.track(name)
        await manager.transition(name, "start_upload")
        with contextlib.suppress(FsmCoreError):
            await manager.transition(name, "start_upload")
        with contextlib.suppress(StaleTransitionError):
            await manager.transition(name, "start_upload", expected_version=0)
        cancelled = asyncio.create_task(manager.transition(name, "complete_upload"))
        for _ in range(3):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait((cancelled,))
        assert [] == settle_threads(threads)

    async with opened(path, files=(), machine=HandRolledAdapter, events=None) as manager:
        threads = {thread.ident or 0 for thread in threading.enumerate()}
        for number in range(3):
            await attempts(f"warm-{number}.txt")
        gc.collect()
        gc.disable()
        try:
            for number in range(5):
                await attempts(f"{number}.txt")
            garbage_count = gc.collect()
        finally:
            gc.enable()
    assert 0 == garbage_count


async def test_a_store_may_be_closed_while_attempts_run(
    path: Path, machine: MachineFactory
) -> None:
    """The attempt under way ends as it would have; the next one is told that it is closed."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(row: object, edge: object) -> bool:
        begun.set()
        await go_on.wait()
        return True

    async with opened(path, machine=machine, guards={"start_upload": slow}) as manager:
        attempt = asyncio.create_task(manager.transition("reports/a.txt", "start_upload"))
        await begun.wait()
        await manager.store.close()
        go_on.set()
        assert 1 == (await attempt).version
        with pytest.raises(StoreUnavailableError, match="not open; use 'async with'"):
            await manager.transition("reports/a.txt", "complete_upload")
    assert ["files.db"] == [found.name for found in path.parent.iterdir()]


async def test_a_store_may_be_opened_again(path: Path) -> None:
    """Closed twice and opened again, a store is as good as new."""
    store = Store(path, create=True)
    for number in range(2):
        async with store:
            await store.track(f"{number}.txt", "untracked")
            with pytest.raises(StoreUnavailableError, match="already open"):
                await store.open()
        await store.close()
    with pytest.raises(StoreUnavailableError, match="not open"):
        await store.read("0.txt")


async def test_one_model_serves_one_store(path: Path, native: Connections) -> None:
    """Two stores opened at once on one connection model: the second is refused, nothing leaks."""
    first = Store(path, create=True)
    second = Store(path, create=True, connections=first._connections)
    answers = await asyncio.gather(first.open(), second.open(), return_exceptions=True)
    assert [type(None), StoreUnavailableError] == [type(answer) for answer in answers]
    await first.close()
    assert 0 == native.open_count


def test_a_store_belongs_to_one_event_loop(path: Path) -> None:
    """Used from another loop it says so, and it can be opened anew there."""
    store = Store(path, create=True)

    async def forget_to_close() -> None:
        await store.open()

    async def use() -> None:
        with pytest.raises(StoreUnavailableError, match="opened in another event loop"):
            await store.read("a.txt")
        await store.close()
        async with store:
            await asyncio.gather(*(store.track(f"{n}.txt", "untracked") for n in range(5)))

    asyncio.run(forget_to_close())
    asyncio.run(use())
    asyncio.run(use_again(store))


async def use_again(store: Store) -> None:
    """Contend for the writer lock in a third loop."""
    async with store:
        await asyncio.gather(*(store.track(f"again-{n}.txt", "untracked") for n in range(5)))
