"""Users assume: a notice that a condition gives to a task which is cancelled reaches another one.

Before CPython 3.13 `asyncio.Condition.notify` is lost then, and whoever waits behind waits for
ever. The core waits by locks and futures; a pool beside it waits by a condition.
"""

import asyncio

LEANS_ON = "users of fsmcore: a pool of connections or of slots around asyncio.Condition"


async def _woken() -> list[str]:
    condition, woken = asyncio.Condition(), list[str]()

    async def wait(name: str) -> None:
        async with condition:
            await condition.wait()
            woken.append(name)

    first, second = (asyncio.ensure_future(wait(name)) for name in ("first", "second"))
    for _ in range(3):
        await asyncio.sleep(0)
    async with condition:
        condition.notify(1)
    first.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([first, second])
    return woken


def test_the_next_one_is_woken() -> None:
    """Two wait, one notice is given, and the first one is cancelled before it wakes."""
    assert ["second"] == asyncio.run(_woken())
