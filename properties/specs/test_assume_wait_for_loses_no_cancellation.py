"""Users assume: a task that is cancelled while it waits with a limit ends as cancelled.

Before CPython 3.12 `asyncio.wait_for` gives the result instead, when that has just come: the
cancellation is lost, and the task goes on. The core waits without limits; a caller's `wait_for`
around it is what its cancellation comes from.
"""

import asyncio

LEANS_ON = "users of fsmcore: asyncio.wait_for() inside of a task that is cancelled"


async def _ended(turns: int) -> str:
    waited_for = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        await asyncio.wait_for(waited_for, 3600)

    task = asyncio.ensure_future(wait())
    for _ in range(turns):
        await asyncio.sleep(0)
    waited_for.set_result(None)
    task.cancel()
    await asyncio.wait([task])
    return "cancelled" if task.cancelled() else "went on"


def test_with_the_result_at_the_same_time() -> None:
    """After each of the first turns of the loop."""
    assert ["cancelled"] * 4 == [asyncio.run(_ended(turns)) for turns in range(1, 5)]
