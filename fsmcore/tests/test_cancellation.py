"""A cancellation may land anywhere: nothing stays behind, and nobody is told anything false."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fsmcore import Fate, FileTransitionManager, MachineFactory, Outcome, TransitionResult
from fsmcore.cancellation import finish
from fsmcore.tests.support import (
    Connections,
    Steps,
    can_be_written,
    opened,
    query,
    records,
    state,
)

CALLS_A_TRANSITION = 3
"""Hops: a read, a transaction, a thread's end. Each suspends, so a loop that ended earlier has
tried next to nothing."""
LANDED = "landed"
"""Cancel when the result is there and its task has not woken yet."""
WAITING = "waiting"
"""Cancel while the task waits; a database call goes on in its thread."""


def cancelling(steps: set[int], point: str, task: Callable[[], asyncio.Task[Any]]) -> Steps:
    """Cancel ``task()`` at the given suspensions, counted over all tasks."""

    def on_step(count: int, future: asyncio.Future[Any] | None) -> None:
        if count not in steps:
            return
        if point == LANDED and future is not None:
            future.add_done_callback(lambda _future: task().cancel())
        else:
            asyncio.get_running_loop().call_soon(lambda: task().cancel())

    return Steps(on_step)


async def outcome_after(
    manager: FileTransitionManager, key: str, steps: set[int], point: str
) -> tuple[object, bool]:
    """Make one attempt, cancelled at ``steps``; return its answer and whether all were reached."""
    loop = asyncio.get_running_loop()
    made: list[asyncio.Task[Any]] = []
    counter = cancelling(steps, point, lambda: made[0])
    loop.set_task_factory(counter.factory)
    try:
        attempt = manager.transition(key, "start_upload", attempt_id=key)
        made.append(loop.create_task(attempt))
        (answer,) = await asyncio.gather(*made, return_exceptions=True)
    finally:
        loop.set_task_factory(None)
    return answer, counter.count >= max(steps)


async def judge(
    manager: FileTransitionManager, path: Path, key: str, answer: object, native: Connections
) -> Outcome:
    """Compare what the caller was told, what was recorded, and what the file says."""
    keeper = 1
    assert keeper == native.open_count
    assert can_be_written(path)
    assert 1 == len(asyncio.all_tasks())
    assert 0 == len(manager.locks)  # type: ignore[arg-type]
    (record,) = [record for record in records(manager) if record.attempt_id == key]
    moved = state(path, key) == ("uploading", 1)
    journalled = bool(query(path, "SELECT 1 FROM transitions WHERE attempt_id = ?", key))
    assert moved is journalled
    fate = (await manager.store.outcome_of(key)).fate
    outcome: Outcome = record.outcome
    match outcome:
        case Outcome.SUCCESS:
            assert moved
            assert fate is Fate.COMMITTED
        case _:
            assert Outcome.CANCELLED is outcome  # never unknown: the hop is waited for
            assert not moved
            assert fate is Fate.NOT_COMMITTED
            assert isinstance(answer, asyncio.CancelledError)
    if isinstance(answer, TransitionResult):
        assert Outcome.SUCCESS is outcome
        assert None is record.error
    else:
        assert isinstance(answer, asyncio.CancelledError), repr(answer)
    return outcome


@pytest.mark.parametrize("point", [WAITING, LANDED])
async def test_an_attempt_may_be_cancelled_at_any_step(
    path: Path, machine: MachineFactory, point: str, native: Connections
) -> None:
    """Cancelled after its n-th suspension, for every n until it completes."""

    async def slow(row: object, edge: object) -> bool:
        await asyncio.sleep(0)
        return True

    seen, answer, step = set(), None, 0
    options: dict[str, Any] = {"guards": {"start_upload": slow}, "files": ()}
    async with opened(path, machine=machine, after_commit=slow, **options) as manager:
        for step in itertools.count(1):
            key = f"{point}-{step}"
            await manager.track(key)
            answer, reached = await outcome_after(manager, key, {step}, point)
            if not reached:
                break
            seen.add(await judge(manager, path, key, answer, native))
    assert isinstance(answer, TransitionResult)
    assert {Outcome.SUCCESS, Outcome.CANCELLED} == seen
    assert step > CALLS_A_TRANSITION


@pytest.mark.parametrize("gap", [1, 2, 3])
async def test_an_attempt_may_be_cancelled_again_while_it_cleans_up(
    path: Path, machine: MachineFactory, gap: int, native: Connections
) -> None:
    """Cancelled at every step and, a few steps on, in the midst of the rollback or the close."""
    async with opened(path, machine=machine, files=()) as manager:
        for step in itertools.count(1):
            key = f"{gap}-{step}"
            await manager.track(key)
            steps = {step, step + gap, step + gap + 1}
            answer, _ = await outcome_after(manager, key, steps, WAITING)
            if isinstance(answer, TransitionResult):
                break
            await judge(manager, path, key, answer, native)
    assert step > CALLS_A_TRANSITION


async def test_a_cancelled_guard_does_not_outlive_its_attempt(
    path: Path, machine: MachineFactory
) -> None:
    """The guard is cancelled with its attempt, and has ended before the caller hears of it."""
    log: list[str] = []
    begun = asyncio.Event()

    async def guard(row: object, edge: object) -> bool:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            log.append("guard cancelled")
            raise
        return True

    async with opened(path, machine=machine, guards={"start_upload": guard}) as manager:
        attempt = asyncio.create_task(manager.transition("reports/a.txt", "start_upload"))
        await begun.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        log.append("attempt ended")
        assert 1 == len(asyncio.all_tasks())
    assert ["guard cancelled", "attempt ended"] == log


async def test_a_timeout_is_a_timeout(path: Path, machine: MachineFactory) -> None:
    """asyncio.timeout turns its own cancellation into TimeoutError, and the row stays."""

    async def endless(row: object, edge: object) -> bool:
        await asyncio.Event().wait()
        return True

    async with opened(path, machine=machine, guards={"start_upload": endless}) as manager:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await manager.transition("reports/a.txt", "start_upload")
        assert ("untracked", 0) == state(path)
        assert [Outcome.CANCELLED] == [record.outcome for record in records(manager)]
        task = asyncio.current_task()
        assert task is not None
        assert 0 == task.cancelling()


async def test_a_task_group_cancels_its_attempts(path: Path, machine: MachineFactory) -> None:
    """A failing sibling cancels the attempts of its group; each is recorded once."""
    names = tuple(f"{number}.txt" for number in range(5))
    begun = asyncio.Event()

    async def endless(row: object, edge: object) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return True

    async def fail() -> None:
        await begun.wait()
        raise RuntimeError("sibling")

    guards = {"start_upload": endless}
    async with opened(path, machine=machine, files=names, guards=guards) as manager:

        async def together() -> None:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(manager.transition(name, "start_upload"))
                group.create_task(fail())

        with pytest.raises(ExceptionGroup) as caught:
            await together()
        outcomes = [record.outcome for record in records(manager)]
    assert ["sibling"] == [str(error) for error in caught.value.exceptions]
    assert [Outcome.CANCELLED] * 5 == outcomes
    assert [("untracked", 0)] * 5 == [state(path, name) for name in names]


async def test_every_task_may_be_cancelled_at_once(
    path: Path, machine: MachineFactory, native: Connections
) -> None:
    """As asyncio.run does when it ends: what opens and closes connections is not on its list."""
    loop, step = asyncio.get_running_loop(), 0

    def on_step(count: int, _future: object) -> None:
        if count == step:
            loop.call_soon(lambda: [task.cancel() for task in asyncio.all_tasks() - {me}])

    me = asyncio.current_task()
    async with opened(path, machine=machine, files=()) as manager:
        for step in itertools.count(1):
            await manager.track(f"{step}.txt")
            counter = Steps(on_step)
            loop.set_task_factory(counter.factory)
            try:
                attempt = loop.create_task(manager.transition(f"{step}.txt", "start_upload"))
                await asyncio.wait((attempt,))
            finally:
                loop.set_task_factory(None)
            assert 1 == native.open_count
            assert can_be_written(path)
            assert 1 == len(asyncio.all_tasks())
            if counter.count < step:
                break
    assert step > CALLS_A_TRANSITION


@pytest.mark.parametrize("step", range(1, 40, 6))
def test_a_loop_may_end_while_attempts_run(path: Path, machine: MachineFactory, step: int) -> None:
    """asyncio.run cancels every task at once, inner ones too: no connection or thread is left."""

    async def main() -> None:
        reached = asyncio.Event()
        names = tuple(f"{number}.txt" for number in range(3))

        def on_step(count: int, _future: object) -> None:
            if count == step:
                reached.set()

        loop = asyncio.get_running_loop()
        async with opened(path, machine=machine, files=names) as manager:
            loop.set_task_factory(Steps(on_step).factory)
            tasks = [asyncio.create_task(manager.transition(n, "start_upload")) for n in names]
            await asyncio.wait(
                [asyncio.create_task(reached.wait()), asyncio.create_task(asyncio.wait(tasks))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        # the attempts are left to asyncio.run

    asyncio.run(main())
    assert can_be_written(path)


@pytest.mark.parametrize("point", [WAITING, LANDED])
async def test_opening_and_closing_may_be_cancelled_at_any_step(
    path: Path, point: str, native: Connections
) -> None:
    """A cancelled open leaves nothing open, and so does a cancelled close."""
    loop = asyncio.get_running_loop()

    async def use(target: Path) -> None:
        async with opened(target, files=()):
            pass

    for step in itertools.count(1):
        made: list[asyncio.Task[None]] = []
        counter = cancelling({step}, point, functools.partial(made.__getitem__, 0))
        loop.set_task_factory(counter.factory)
        try:
            made.append(loop.create_task(use(path.with_name(f"{step}.db"))))
            await asyncio.gather(*made, return_exceptions=True)
        finally:
            loop.set_task_factory(None)
        assert 0 == native.open_count
        assert 1 == len(asyncio.all_tasks())
        if counter.count < step:
            break
        assert made[0].cancelled()
    assert step > 8


@pytest.mark.parametrize("fails", [True, False])
async def test_what_is_finished_for_a_caller_who_is_gone_is_told_in_the_log(
    caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    """However often he is cancelled: it is asked once to end sooner, and its failure is told."""
    may_end, asked = asyncio.Event(), []

    async def work() -> str:
        await may_end.wait()
        if fails:
            raise RuntimeError("too late")
        return "done"

    task = asyncio.create_task(finish(work(), on_cancel=lambda: asked.append("sooner")))
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert (False, ["sooner"]) == (task.done(), asked)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = ["cancelled while finishing, and that failed: too late"] if fails else []
    assert told == caplog.messages
