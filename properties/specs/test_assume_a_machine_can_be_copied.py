"""Users assume: a deep copy of a machine is a machine of its own, in the same state.

Forms and undo lists copy the object that a machine is an attribute of. 2.1.0 and 2.1.1 recurse for
ever. The core drops a machine after one transition.
"""

import copy
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: copy.deepcopy of what holds a machine"


async def _copied() -> list[object]:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        ajar = State("Ajar", value="ajar")
        opened = State("Opened", value="opened", final=True)
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

    first: Any = await activated(Door())
    await settled(first.send("unlatch"))
    try:
        second = copy.deepcopy(first)
    except Exception as error:
        return [type(error).__name__]
    await settled(second.send("open_it"))
    return [first.current_state_value, second.current_state_value]


def test_only_the_copy_moves() -> None:
    """Copied in the middle, and sent an event."""
    assert ["ajar", "opened"] == run_in_turns(_copied)
