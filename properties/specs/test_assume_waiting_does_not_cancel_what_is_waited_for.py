"""We assume: asyncio.wait, cancelled, leaves the task it waited for alone, however often.

Connects, rollbacks and closes run to their end that way. And asyncio.timeout cancels once: what is
finished in between is not cut off a second time, and afterwards the task is as before.
"""

import asyncio

from properties.rules.turns import run_in_turns

LEANS_ON = "fsmcore/cancellation.py: finish"


async def _cancel_the_waiter(times: int) -> str:
    may_end = asyncio.Event()
    work = asyncio.ensure_future(may_end.wait())

    async def wait() -> int:
        cut_off = 0
        while not work.done():
            try:
                await asyncio.wait((work,))
            except asyncio.CancelledError:
                cut_off += 1
        return cut_off

    waiter = asyncio.ensure_future(wait())
    for _ in range(times):
        await asyncio.sleep(0)
        waiter.cancel()
    await asyncio.sleep(0)
    may_end.set()
    cut_off = await waiter
    ended = "cancelled" if work.cancelled() else work.result()
    return f"work {ended}, cut off {cut_off} times"


async def _time_out() -> tuple[int, int, str]:
    cut_off = 0
    told = "in time"
    task = asyncio.current_task()
    assert task is not None
    try:
        async with asyncio.timeout(0.005):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cut_off += 1
                for _ in range(50):
                    await asyncio.sleep(0.001)
                raise
    except TimeoutError:
        told = "timed out"
    except asyncio.CancelledError:
        told = "cancelled"
    return cut_off, task.cancelling(), told


def test_a_waiter_cancelled_again_and_again() -> None:
    """Three times; the work ends as if nobody had."""
    assert "work True, cut off 3 times" == run_in_turns(lambda: _cancel_the_waiter(3))


def test_a_timeout_cancels_once() -> None:
    """And takes its cancellation back."""
    assert (1, 0, "timed out") == run_in_turns(_time_out)
