"""The same promises on each connection model, and what each promises beside them."""

from __future__ import annotations

import asyncio
import functools
import itertools
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fsmcore import (
    DefinitionError,
    Fate,
    FileLockManager,
    FileLocks,
    NoFileLocks,
    Outcome,
    Store,
    Synchronous,
    TransitionNotAllowedError,
    TransitionResult,
)
from fsmcore.connections import (
    MODELS,
    Pooled,
)
from fsmcore.connections.lane import Answer, Hop, ThreadLane
from fsmcore.tests.support import (
    KEY,
    Connections,
    can_be_written,
    held_write_lock,
    journal_count,
    opened,
    records,
    state,
)
from fsmcore.tests.test_cancellation import LANDED, WAITING, cancelling

HOP_MODELS = sorted(set(MODELS) - {"per-transition"})
FRESH = {"per-transition", "direct"}
T = TypeVar("T")


@pytest.fixture(params=sorted(MODELS))
def model(request: pytest.FixtureRequest) -> str:
    """Return each model's name in turn."""
    return str(request.param)


def test_a_model_is_chosen_by_its_name(path: Path) -> None:
    """And a name that nobody has is refused, with those that there are."""
    for name, kind in MODELS.items():
        assert kind is type(Store(path, connections=name)._connections)
    with pytest.raises(DefinitionError, match="'poled'; give one of per-transition, direct"):
        Store(path, connections="poled")
    for size in (0, "4", None):
        with pytest.raises(DefinitionError, match=f"size is {size!r}; give a whole number"):
            MODELS["pooled"](size=size)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Pooled, r"connections is the class Pooled; give a model of it: Pooled\(\)"),
        (None, "connections is of type NoneType, which is no connection model; give one of per-"),
        (4, "connections is of type int"),
    ],
)
def test_what_is_no_model_is_refused_before_it_is_opened(
    path: Path, given: object, said: str
) -> None:
    """By a caller whom no type checker told."""
    with pytest.raises(DefinitionError, match=said):
        Store(path, connections=given)  # type: ignore[arg-type]


def test_a_store_in_memory_is_refused() -> None:
    """It was a file of that name in the present folder."""
    with pytest.raises(DefinitionError, match="':memory:' is no file"):
        Store(":memory:", create=True)


@pytest.mark.parametrize("locks", [FileLockManager, NoFileLocks])
async def test_twenty_contend_and_one_wins(
    path: Path, model: str, locks: Callable[[], FileLocks]
) -> None:
    """Twenty attempts on one file: one moves it, nineteen are refused; with file locks or not."""
    async with opened(path, connections=model, locks=locks()) as manager:
        answers = await asyncio.gather(
            *(manager.transition(KEY, "start_upload") for _ in range(20)), return_exceptions=True
        )
    assert {TransitionResult: 1, TransitionNotAllowedError: 19} == Counter(map(type, answers))
    assert ("uploading", 1) == state(path)
    assert 1 == journal_count(path)


@pytest.mark.parametrize("synchronous", [Synchronous.NORMAL, Synchronous.EXTRA])
async def test_every_connection_is_what_the_model_was_asked_for(
    path: Path, model: str, native: Connections, synchronous: Synchronous
) -> None:
    """What a commit waits for once there is a WAL, and how long SQLite itself waits for a lock."""
    async with opened(path):
        pass
    asked: dict[sqlite3.Connection, list[str]] = {}
    waits_ms = []

    def look(connection: sqlite3.Connection) -> None:
        waits_ms.extend(connection.execute("PRAGMA busy_timeout").fetchone())
        connection.set_trace_callback(asked.setdefault(connection, []).append)

    made: Any = MODELS[model]
    with native.prepared(look):
        connections = made(synchronous=synchronous, busy_timeout_ms=1234)
        async with opened(path, connections=connections, files=()) as manager:
            assert synchronous is manager.store._connections.synchronous
            await manager.transition(KEY, "start_upload")
    setting = "PRAGMA synchronous="
    last = [[each for each in said if each.startswith(setting)][-1] for said in asked.values()]
    assert {f"{setting}{synchronous.name}"} == set(last)
    assert {1234} == set(waits_ms)


async def test_a_fresh_connection_for_each_transaction_where_that_is_said(
    path: Path, model: str, native: Connections
) -> None:
    """One more for each of three files and each transition, or none beside those that stay."""
    made: list[int] = []
    async with opened(path, files=("a", "b", "c"), connections=model) as manager:
        for name in "abc":
            made.append(len(native.opened))
            await manager.transition(name, "start_upload")
            assert made[0] == len(native.opened) - (len(made) if model in FRESH else 0)
            assert {"per-transition": 1, "direct": 1, "pooled": 4}.get(
                model, 1
            ) == native.open_count


async def test_a_pool_fills_each_thread_with_sixteen_calls_before_the_next(path: Path) -> None:
    """So many cost less in one thread than waking another; when all are back it begins anew."""
    counts: Counter[str] = Counter()

    class Counted(ThreadLane):
        def submit(self, hop: Hop[T]) -> Answer[T]:
            counts[self.name] += 1
            return super().submit(hop)

    async with opened(path, connections=Pooled(lanes=Counted)) as manager:
        for read_count, each in (
            (40, [16, 16, 8]),
            (48, [16, 16, 16]),
            (20, [16, 4, 0]),
            (51, [19, 16, 16]),
        ):
            counts.clear()
            await asyncio.gather(*(manager.store.read(KEY) for _ in range(read_count)))
            assert each == [counts[f"files.db {number}"] for number in (2, 3, 4)]


async def test_a_foreign_writer_is_waited_for(path: Path, model: str) -> None:
    """Another process's lock is BUSY, tried again, and then told."""
    async with opened(path, connections=model) as manager:
        with held_write_lock(path):
            attempt = asyncio.create_task(manager.transition(KEY, "start_upload"))
            await asyncio.sleep(0.02)
            assert not attempt.done()
        assert 1 == (await attempt).version


@pytest.mark.parametrize("point", [WAITING, LANDED])
async def test_an_attempt_may_be_cancelled_at_any_step(
    path: Path, model: str, point: str, native: Connections
) -> None:
    """Whatever the step: nothing stays behind, and what is recorded is what the file says."""
    loop = asyncio.get_running_loop()
    seen = set()
    async with opened(path, connections=model, files=()) as manager:
        kept_count = native.open_count
        for step in itertools.count(1):
            key = f"{point}-{step}"
            await manager.track(key)
            made: list[asyncio.Task[Any]] = []
            counter = cancelling({step}, point, functools.partial(made.__getitem__, 0))
            loop.set_task_factory(counter.factory)
            try:
                work = manager.transition(key, "start_upload", attempt_id=key)
                made.append(loop.create_task(work))
                await asyncio.wait(made)
            finally:
                loop.set_task_factory(None)
            if counter.count < step:
                break
            assert kept_count == native.open_count
            assert can_be_written(path)
            assert 1 == len(asyncio.all_tasks())
            (record,) = [each for each in records(manager) if each.attempt_id == key]
            moved = state(path, key) == ("uploading", 1)
            found = (await manager.store.outcome_of(key)).fate
            assert (found is Fate.COMMITTED) is moved
            if record.outcome is not Outcome.UNKNOWN:
                assert (record.outcome is Outcome.SUCCESS) is moved
            seen.add(record.outcome)
    assert Outcome.CANCELLED in seen
    if point == LANDED:
        assert Outcome.SUCCESS in seen  # cancelled with the answer at hand
    if model in HOP_MODELS:
        assert Outcome.UNKNOWN not in seen  # whoever waits for the hop's end knows


async def test_opening_may_be_cancelled_at_any_step(
    path: Path, model: str, native: Connections
) -> None:
    """A cancelled open leaves no connection and no thread."""
    loop = asyncio.get_running_loop()

    async def use(target: Path) -> None:
        async with opened(target, files=(), connections=model):
            pass

    for step in itertools.count(1):
        made: list[asyncio.Task[None]] = []
        counter = cancelling({step}, WAITING, functools.partial(made.__getitem__, 0))
        loop.set_task_factory(counter.factory)
        try:
            made.append(loop.create_task(use(path.with_name(f"{step}.db"))))
            await asyncio.wait(made)
        finally:
            loop.set_task_factory(None)
        assert 0 == native.open_count
        if counter.count < step:
            break
    assert step > 4


@pytest.mark.parametrize("model", HOP_MODELS)
def test_a_store_that_nobody_closes_says_so(path: Path, model: str) -> None:
    """The interpreter ends all the same, and its last connection removes the WAL."""
    program = (
        "import asyncio, sys; from fsmcore import Store\n"
        "async def main():\n"
        "    global store\n"
        "    store = Store(sys.argv[1], create=True, connections=sys.argv[2])\n"
        "    await store.open()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", program, str(path), model],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode
    assert "ResourceWarning: unclosed store (files.db 1)" in done.stderr
    assert ["files.db"] == [found.name for found in path.parent.iterdir()]


@pytest.mark.parametrize("model", HOP_MODELS)
def test_a_forgotten_store_is_closed_in_another_loop(path: Path, model: str) -> None:
    """Even when a call of the first loop was on its way as that loop was closed."""
    store = Store(path, create=True, connections=model)

    async def forget() -> None:
        await store.open()
        store._connections._lent.seat.lane.submit(lambda: None)  # type: ignore[attr-defined]

    async def use() -> None:
        await asyncio.wait_for(store.close(), 30)
        async with store:
            await store.track("a.txt", "untracked")

    asyncio.run(forget())
    asyncio.run(use())
