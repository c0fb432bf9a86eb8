"""A lane: a thread that gives every answer, in order, to whoever still waits for it."""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Callable

import pytest

from fsmcore.connections.lane import ThreadLane, _Mail


class Said:
    """A hop that comes to what its call returns."""

    def __init__(self, call: Callable[[], str]) -> None:
        self.call = call

    def __call__(self) -> str:
        """Run in the lane's thread."""
        return self.call()

    def withdraw(self) -> None:
        """Nobody is cancelled."""
        raise AssertionError("nobody was cancelled")


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


async def test_a_lane_that_is_ended_at_once_gives_every_answer() -> None:
    """The stop is queued behind them, and holds none of them up."""

    lane = ThreadLane("a test's")
    asked = [lane.submit(Said(word)) for word in (lambda: "one", lambda: "two")]
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


def test_an_answer_that_nobody_can_have_holds_up_no_other() -> None:
    """Of a loop that is closed, or taken already, between two that somebody waits for."""
    mail = _Mail()
    dead, alive = asyncio.new_event_loop(), asyncio.new_event_loop()
    first, second = alive.create_future(), alive.create_future()
    unheard, taken = dead.create_future(), alive.create_future()
    unheard.add_done_callback(lambda _: None)
    taken.set_result("taken")
    dead.close()
    mail.answers.extend((each, False, "given") for each in (first, unheard, taken, second))
    mail.send()
    try:
        both = asyncio.wait_for(asyncio.gather(first, second), 5)
        assert ["given", "given"] == list(alive.run_until_complete(both))
    finally:
        alive.close()
    assert (False, "taken") == (unheard.done(), taken.result())


async def test_answers_wait_three_milliseconds_for_each_other_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After 2 ms of work the first is kept for the second; after 4 ms they go, whoever works on."""
    now_s = 100.0
    clock = types.SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr("fsmcore.connections.lane.time", clock)
    has_begun, may_end = asyncio.Queue[None](), threading.Semaphore(0)
    loop = asyncio.get_running_loop()

    def two_milliseconds() -> str:
        nonlocal now_s
        loop.call_soon_threadsafe(has_begun.put_nowait, None)
        assert may_end.acquire(timeout=30)
        now_s += 0.002
        return "done"

    lane = ThreadLane("a test's")
    asked = [lane.submit(Said(two_milliseconds)) for _ in range(3)]
    seen = []
    async with asyncio.timeout(30):
        for _ in asked:
            await has_begun.get()  # whatever the thread has sent before has come before
            seen.append([each.done() for each in asked])
            may_end.release()
        await asyncio.gather(*asked)
        await lane.end()
    assert [[False] * 3, [False] * 3, [True, True, False]] == seen


def test_a_lane_that_is_dropped_says_so_and_gives_back_its_thread() -> None:
    """And what it had opened. An interpreter that ends does not wait for its thread."""
    lane, has_given_back = ThreadLane("files.db 1"), threading.Event()
    lane.last = has_given_back.set
    (thread,) = [each for each in threading.enumerate() if each.name.startswith("fsmcore")]
    seen = (thread.name, thread.daemon)
    with pytest.warns(ResourceWarning) as told:
        del lane
    thread.join(30)
    assert ("fsmcore files.db 1", True) == seen
    assert has_given_back.is_set()
    (warning,) = told
    words = "unclosed store (files.db 1); use 'async with', or await its close()."
    assert words == str(warning.message)
    assert isinstance(warning.source, ThreadLane)


def test_the_warning_points_at_who_dropped_the_lane() -> None:
    """And not into the core, where nobody has to mend anything."""
    lane = ThreadLane("files.db 1")
    with pytest.warns(ResourceWarning) as told:
        del lane
    assert [__file__] == [each.filename for each in told]
