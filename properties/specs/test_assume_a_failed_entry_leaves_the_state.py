"""Users assume: a machine whose on_enter raised is where it was before the event.

The write happens there: if it failed, the row has not moved, and the machine must not have
either. Up to 2.6 it has. The core drops a machine that failed.
"""

from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = (
    "users of python-statemachine beside the core: a live machine, tried again after an error"
)


async def _state_after(place: str) -> str:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        ajar = State("Ajar", value="ajar")
        opened = State("Opened", final=True, value="opened")
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

        async def on_unlatch(self) -> None:
            if place == "on":
                raise OSError("the disk is full")

        async def on_enter_ajar(self) -> None:
            if place == "enter":
                raise OSError("the disk is full")

    machine: Any = await activated(Door())
    with pytest.raises(OSError, match="full"):
        await settled(machine.send("unlatch"))
    return str(machine.current_state_value)


@pytest.mark.parametrize("place", ["on", "enter"])
def test_where_it_is_after_an_error(place: str) -> None:
    """Of the action, and of the entry."""
    assert "closed" == run_in_turns(lambda: _state_after(place))
