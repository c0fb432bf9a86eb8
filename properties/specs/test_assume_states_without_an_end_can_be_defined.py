"""We assume: with two flags off, a class may have states from which no final state is reached.

A lifecycle may have such states; from 3.0 a class with one is refused unless the flags say so.
"""

import warnings
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "fsmcore/adapters/statemachine.py: machine_class"


async def _define() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:

            class Door(StateMachine):
                validate_trap_states = False
                validate_final_reachability = False
                closed = State(initial=True, value="closed")
                stuck = State(value="stuck")
                opened = State(final=True, value="opened")
                open_it = closed.to(opened)
                jam = closed.to(stuck)

                async def on_enter_state(self) -> None:
                    pass

        except Exception as error:
            return f"{type(error).__name__}: {error}"
        machine: Any = await activated(Door(start_value="stuck"))
        return str(machine.current_state_value)


def test_it_is_defined() -> None:
    """And a machine can be started in the state without an end."""
    assert "stuck" == run_in_turns(_define)
