"""Users assume: a task that is cancelled while a member of its group fails ends as cancelled.

Before CPython 3.13 the group takes the cancellation for its own, and the task goes on after
`except*`. The core starts no groups; its callers run attempts in one.
"""

import asyncio

LEANS_ON = "users of fsmcore: attempts in an asyncio.TaskGroup, and a shutdown"

TURNS = 6


async def _ended(turns: int) -> str:
    async def fail() -> None:
        for _ in range(2):
            await asyncio.sleep(0)
        raise ValueError("of a member")

    reached = []

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        except* ValueError:
            pass
        await asyncio.sleep(0)  # a task that was cancelled before this never comes by here
        reached.append("went on")

    task = asyncio.ensure_future(work())
    for _ in range(turns):
        await asyncio.sleep(0)
    if task.done():
        return "cancelled"  # too late to be cancelled: nothing was lost
    task.cancel()
    await asyncio.wait([task])
    return "lost" if reached else "cancelled"


def test_at_every_turn_of_the_loop() -> None:
    """Cancelled at each of the turns that such a group takes."""
    assert ["cancelled"] * TURNS == [asyncio.run(_ended(turns)) for turns in range(TURNS)]
