"""We assume: CancelledError and other BaseExceptions of a callback pass through the machine.

Our write happens in a callback; a cancellation that stopped in the library would be told as a
success. None of them is an Exception, so `except Exception` must not be meant for them.
"""

import asyncio
from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "fsmcore/adapters/statemachine.py: StateMachineAdapter.trigger"


class Stop(BaseException):
    """Not an Exception."""


async def _caught(place: str, error: BaseException) -> str:
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

    machine: Any = await activated(Door())
    try:
        await settled(machine.send("open_it"))
    except BaseException as caught:
        return type(caught).__name__
    return "told as taken"


@pytest.mark.parametrize("place", ["guard", "enter"])
def test_a_cancellation(place: str) -> None:
    """As asyncio raises it in a callback that waits."""
    told = run_in_turns(lambda: _caught(place, asyncio.CancelledError()))
    assert "CancelledError" == told


@pytest.mark.parametrize("place", ["guard", "enter"])
def test_another_one(place: str) -> None:
    """As a server's shutdown might."""
    assert "Stop" == run_in_turns(lambda: _caught(place, Stop()))
