"""We assume: what an async callback raises reaches the sender, unchanged, as the same object.

The write happens in such a callback. StateChart, which upstream recommends from 3.0, swallows the
error and would turn a failed write into a success.
"""

import asyncio
import inspect
from typing import Any

from statemachine import State, StateMachine

LEANS_ON = "fsmcore/adapters/statemachine.py: StateMachineAdapter.trigger"


async def _caught(place: str) -> bool:
    error = RuntimeError(place)

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened, cond="may_open")

        async def may_open(self) -> bool:
            if place == "guard":
                raise error
            return True

        async def on_enter_state(self, source: Any = None) -> None:
            if place == "enter" and source is not None and source.value is not None:
                raise error

    machine: Any = Door()
    assert hasattr(machine, "activate_initial_state"), "a coroutine cannot activate the machine"
    started = machine.activate_initial_state()
    if inspect.isawaitable(started):
        await started
    try:
        sent = machine.send("open_it")
        if inspect.isawaitable(sent):
            await sent
    except RuntimeError as caught:
        return caught is error
    return False


def test_from_a_guard() -> None:
    """Raised while the guard decides."""
    assert asyncio.run(_caught("guard"))


def test_from_entering_a_state() -> None:
    """Raised where the row is written."""
    assert asyncio.run(_caught("enter"))
