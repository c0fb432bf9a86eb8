"""Users assume: no sender waits for ever, also when the task that runs its machine is cancelled.

From 3.0 to 3.2.1 the first sender works off the queue for all; cancelled, it leaves the others
waiting. The core gives each attempt a machine of its own. What the others are told is another law.
"""

import asyncio
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "users of python-statemachine beside the core: asyncio.timeout() around send()"


async def _cancel_the_first() -> str:
    never = asyncio.Event()

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(value="opened")
        toggle = closed.to(opened) | opened.to(closed)

        async def on_toggle(self, who: str) -> None:
            if who == "first":
                await never.wait()

    machine: Any = await activated(Door())
    first = asyncio.ensure_future(machine.send("toggle", who="first"))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(machine.send("toggle", who="second"))
    for _ in range(5):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first, second])
    return "both ended"


def test_the_second_sender_ends() -> None:
    """The first is cancelled in its callback while the second waits behind it."""
    assert "both ended" == run_in_turns(_cancel_the_first)
