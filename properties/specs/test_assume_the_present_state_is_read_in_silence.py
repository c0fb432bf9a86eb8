"""Users assume: `current_state` may be read, and nobody warns.

Where warnings are errors, as in our own tests, a new one breaks what worked. Deprecated in 3.0.
The core reads `current_state_value`.
"""

import warnings
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "users of python-statemachine beside the core: current_state under -W error"


async def _state() -> str:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        open_it = closed.to(opened)

    machine: Any = await activated(Door())
    try:
        return str(machine.current_state.value)
    except Warning as warning:
        return f"warned: {warning}"


def test_with_warnings_as_errors() -> None:
    """The value of the state that it is in."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "closed" == run_in_turns(_state)
