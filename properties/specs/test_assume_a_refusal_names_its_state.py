"""Users assume: a refused event says in which state it was refused, as `error.state`.

Handlers answer "it is already indexed" by it. Gone in 3.0, on purpose, where `configuration` is a
set. The core makes its own error, with the state from the row.
"""

from typing import Any

from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: TransitionNotAllowed.state"


async def _refusal() -> TransitionNotAllowed:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        ajar = State("Ajar", value="ajar")
        opened = State("Opened", final=True, value="opened")
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

        async def on_enter_state(self) -> None:
            pass

    machine: Any = await activated(Door())
    try:
        await settled(machine.send("open_it"))
    except TransitionNotAllowed as error:
        return error
    raise AssertionError("it was taken")


def test_the_state_of_a_refusal() -> None:
    """By the state's own object."""
    state = getattr(run_in_turns(_refusal), "state", None)
    assert "closed" == getattr(state, "value", "no state is told")
