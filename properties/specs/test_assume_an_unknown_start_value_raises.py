"""Users assume: a machine cannot be started in a state that it does not have.

A state read from a database may be any text. 2.3.0 and 2.3.1 accept it in silence when no callback
is async and an event loop runs. The core looks
the state up in its own lifecycle before it builds a machine.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "users of python-statemachine beside the core: start_value read from a database"


async def _start_async_in(state: str) -> str:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

        async def on_enter_state(self) -> None:
            pass

    try:
        machine: Any = Door(start_value=state)
        await activated(machine)
    except Exception:
        return "refused"
    return "started"


async def _start_in(state: str) -> str:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

    try:
        Door(start_value=state)
    except Exception:
        return "refused"
    return "started"


def test_an_async_machine() -> None:
    """At the latest when it is activated; a state that it has is taken."""
    assert "started" == run_in_turns(lambda: _start_async_in("opened"))
    assert "refused" == run_in_turns(lambda: _start_async_in("ajar"))


def test_a_synchronous_machine_beside_a_loop() -> None:
    """At once."""
    assert "started" == run_in_turns(lambda: _start_in("opened"))
    assert "refused" == run_in_turns(lambda: _start_in("ajar"))
