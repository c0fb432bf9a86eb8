"""We assume: an event that the state has no edge for raises TransitionNotAllowed at its sender.

Also in a final state, where 3.0 and later raise at the call and earlier ones at the await. A
refused event that returns in silence would be told as a success.
"""

import asyncio
import inspect
from typing import Any

import pytest
from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

LEANS_ON = "fsmcore/adapters/statemachine.py: StateMachineAdapter.trigger"


async def _send(state: str) -> None:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

        async def on_enter_state(self) -> None:
            """Be async, so that the machine is."""

    machine: Any = Door(start_value=state)
    assert hasattr(machine, "activate_initial_state"), "a coroutine cannot activate the machine"
    started = machine.activate_initial_state()
    if inspect.isawaitable(started):
        await started
    sent = machine.send("unlatch" if state != "closed" else "open_it")
    if inspect.isawaitable(sent):
        await sent


@pytest.mark.parametrize("state", ["closed", "ajar", "opened"])
def test_the_sender_is_told(state: str) -> None:
    """In the first, a middle and a final state."""
    with pytest.raises(TransitionNotAllowed):
        asyncio.run(_send(state))
