"""Users assume: the callback of the first state may send an event, which runs after it.

A machine that starts work as soon as it is made. From 2.3.2 to 2.3.5 the engine is not there yet.
The core's activation writes nothing and sends nothing.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: work that begins in the first state"


async def _started() -> str:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        open_it = closed.to(opened)

        def on_enter_closed(self) -> None:
            self.send("open_it")

    try:
        machine: Any = await activated(Door())
    except AttributeError as error:
        return f"cannot be built: {error}"
    return str(machine.current_state_value)


async def _started_async() -> str:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        open_it = closed.to(opened)

        async def on_enter_closed(self) -> None:
            await settled(self.send("open_it"))

    machine: Any = await activated(Door())
    return str(machine.current_state_value)


def test_a_synchronous_machine() -> None:
    """While it is built."""
    assert "opened" == run_in_turns(_started)


def test_an_async_machine() -> None:
    """While it is activated."""
    assert "opened" == run_in_turns(_started_async)
