"""Users assume: a machine starts in the state that it is told, though its value is 0 or empty.

States are often numbers in a column. Up to 2.6 an async machine takes 0 for "none given" and starts
in the first state. The core names its states by text that is not empty.
"""

from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "users of python-statemachine beside the core: states that are numbers in a column"


async def _started_in(value: object, is_async: bool) -> object:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value=7)
        ajar = State("Ajar", value=value)
        opened = State("Opened", final=True, value=9)
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

    class AsyncDoor(Door):
        async def on_enter_state(self) -> None:
            pass

    machine: Any = await activated((AsyncDoor if is_async else Door)(start_value=value))
    return machine.current_state_value


@pytest.mark.parametrize("is_async", [False, True], ids=["synchronous", "async"])
@pytest.mark.parametrize("value", [0, "", False, 1], ids=repr)
def test_it_starts_there(value: object, is_async: bool) -> None:
    """Values that are false, and one that is not."""
    assert value == run_in_turns(lambda: _started_in(value, is_async))
