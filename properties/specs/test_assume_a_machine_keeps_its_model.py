"""Users assume: a machine keeps the model that it was given, though it is empty or false.

A model that is a list, or has a length, is false while it is empty. Up to 2.5 the machine takes
one of its own then, in silence, and whoever reads the state from the model reads nothing. The core
gives none.
"""

from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: the state as a field of one's own object"


class Order(list[str]):
    """A model with a length: false without items."""

    state: str | None = None


async def _state_of(model: Order) -> str | None:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        open_it = closed.to(opened)

    machine: Any = await activated(Door(model=model))
    await settled(machine.send("open_it"))
    return model.state


@pytest.mark.parametrize("items", [[], ["a book"]], ids=["empty", "filled"])
def test_its_state_is_written_there(items: list[str]) -> None:
    """Of an empty one as of a filled one."""
    assert "opened" == run_in_turns(lambda: _state_of(Order(items)))
