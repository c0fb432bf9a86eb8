"""Users assume: of two tasks that send to one machine, each gets its own result or exception.

The core gives each attempt a machine of its own and does not lean on it; whoever keeps one
long-lived machine does. From 2.3 to 2.6 the first sender gets the second one's exception, and the
second gets None at once.
"""

import asyncio
import inspect
from typing import Any

from statemachine import State, StateMachine

LEANS_ON = "users of python-statemachine beside the core: one long-lived machine, many senders"


async def _two_senders() -> list[str]:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(value="opened")
        toggle = closed.to(opened) | opened.to(closed)

        async def on_toggle(self, who: str) -> str:
            await asyncio.sleep(0)
            if who == "second":
                raise RuntimeError("the second one's")
            return who

    machine: Any = Door()
    started = getattr(machine, "activate_initial_state", lambda: None)()
    if inspect.isawaitable(started):
        await started

    async def send(who: str) -> str:
        try:
            return f"{who} got {await machine.send('toggle', who=who)}"
        except RuntimeError as error:
            return f"{who} got {error}"

    return list(await asyncio.gather(send("first"), send("second")))


def test_each_sender_its_own() -> None:
    """One succeeds, the other raises."""
    expected = ["first got first", "second got the second one's"]
    assert expected == asyncio.run(asyncio.wait_for(_two_senders(), 10))
