"""The same promises on each connection model, and what each promises beside them."""

from __future__ import annotations

import asyncio
import functools
import itertools
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fsmcore import (
    DefinitionError,
    Fate,
    Outcome,
    Store,
    TransitionResult,
)
from fsmcore.connections import (
    MODELS,
    Pooled,
)
from fsmcore.connections.lane import ThreadLane, _Mail
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


async def test_twenty_contend_and_one_wins(path: Path, model: str) -> None:
    """Twenty attempts on one file: one moves it, nineteen are refused."""
    async with opened(path, connections=model) as manager:
        answers = await asyncio.gather(
            *(manager.transition(KEY, "start_upload") for _ in range(20)), return_exceptions=True
        )
    assert 1 == sum(isinstance(each, TransitionResult) for each in answers)
    assert ("uploading", 1) == state(path)
    assert 1 == journal_count(path)


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


def test_a_wake_up_that_a_closed_loop_never_heard_holds_up_nobody() -> None:
    """An answer was on its way as its loop was closed; those of the next loop come all the same."""
    mail = _Mail()
    dead, alive = asyncio.new_event_loop(), asyncio.new_event_loop()
    unheard, heard = dead.create_future(), alive.create_future()
    mail.answers.append((unheard, False, "nobody waits"))
    mail.send()
    dead.close()
    mail.answers.append((heard, False, "for somebody"))
    mail.send()
    try:
        assert "for somebody" == alive.run_until_complete(asyncio.wait_for(heard, 5))
    finally:
        alive.close()
    assert not unheard.done()


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


async def test_a_lane_that_is_ended_at_once_gives_every_answer() -> None:
    """The stop is queued behind them, and holds none of them up."""

    class Said:
        def __init__(self, word: str) -> None:
            self.word = word

        def __call__(self) -> str:
            return self.word

        def withdraw(self) -> None:
            raise AssertionError("nobody was cancelled")

    lane = ThreadLane("a test's")
    asked = [lane.submit(Said("one")), lane.submit(Said("two"))]
    ended = lane.end()
    async with asyncio.timeout(30):
        await ended
        assert ["one", "two"] == [await each for each in asked]


async def test_who_is_cancelled_at_a_hop_withdraws_it_and_waits_for_its_end() -> None:
    """However often: the hop is withdrawn, ends, and only then is the cancellation told."""
    done: list[str] = []
    may_end = threading.Event()

    class Slow:
        def __call__(self) -> None:
            may_end.wait(30)
            done.append("ended")

        def withdraw(self) -> None:
            done.append("withdrawn")

    async def waiting() -> None:
        await lane.submit(Slow())

    lane = ThreadLane("a test's")
    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    await asyncio.sleep(0)
    assert (False, ["withdrawn"] * 2) == (task.done(), done)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["withdrawn", "withdrawn", "ended"] == done
    await lane.end()
