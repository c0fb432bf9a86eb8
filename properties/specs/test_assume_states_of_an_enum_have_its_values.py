"""Users assume: a state that is made from an Enum's member has the member's value, in both ways.

What is stored is the value, and a machine is started with it again. 2.3.2 took the members
themselves by accident, and 3.0 does by default: SQLite cannot store one. The core names its states
by text.
"""

import enum
from typing import Any

from statemachine import StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = (
    "users of python-statemachine beside the core: States.from_enum, and the value in a column"
)


class Stage(enum.Enum):
    """Two stages, by the numbers that are stored."""

    CLOSED = 1
    OPENED = 2


async def _values() -> list[object]:
    from statemachine.states import States  # not there before 2.1

    class Door(StateMachine):
        stage = States.from_enum(Stage, initial=Stage.CLOSED, final=Stage.OPENED)
        open_it = stage.CLOSED.to(stage.OPENED)

    machine: Any = await activated(Door())
    before = machine.current_state_value
    await settled(machine.send("open_it"))
    try:
        again: Any = await activated(Door(start_value=Stage.CLOSED.value))
        started = again.current_state_value
    except Exception as error:
        started = type(error).__name__
    return [before, machine.current_state_value, started]


def test_before_after_and_again() -> None:
    """The first state's, the second's, and one started by the first one's value."""
    assert [1, 2, 1] == run_in_turns(_values)
