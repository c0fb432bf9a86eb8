"""Users assume: a machine survives pickle, in its state.

Task queues and multiprocessing pickle what a machine is an attribute of. Up to 2.4 the machine
holds functions that cannot be. The core stores a state and no machine.
"""

import pickle
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: machines sent to other processes"


def _door() -> type[Any]:
    """Make a class that pickle finds by its name. Not at import: a release may refuse it."""

    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        ajar = State("Ajar", value="ajar")
        opened = State("Opened", value="opened", final=True)
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

    Door.__qualname__ = "Door"
    globals()["Door"] = Door
    return Door


async def _pickled() -> list[object]:
    first: Any = await activated(_door()())
    await settled(first.send("unlatch"))
    try:
        second = pickle.loads(pickle.dumps(first))  # noqa: S301 - our own bytes
    except Exception as error:
        return [f"cannot be pickled: {error}"]
    await settled(second.send("open_it"))
    return [first.current_state_value, second.current_state_value]


def test_it_comes_back_in_its_state() -> None:
    """Pickled in the middle, and sent an event."""
    assert ["ajar", "opened"] == run_in_turns(_pickled)
