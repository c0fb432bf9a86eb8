"""Users assume: calling send() on an async machine does nothing yet; what it raises, await raises.

So a list of sends can be handed to gather(). From 3.0 a send to a finished machine raises at the
call. The core calls and awaits inside one try, and does not care.
"""

from typing import Any

from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "users of python-statemachine beside the core: gather(*(machine.send(e) for e in ...))"


async def _send(event: str, state: str) -> str:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

        async def on_enter_state(self) -> None:
            pass

    machine: Any = await activated(Door(start_value=state))
    try:
        sent = machine.send(event)
    except TransitionNotAllowed:
        return "raised at the call"
    try:
        await sent
    except TransitionNotAllowed:
        return "raised at the await"
    return "taken"


def test_in_a_middle_state() -> None:
    """An event without an edge."""
    assert "raised at the await" == run_in_turns(lambda: _send("open_it", "closed"))


def test_in_a_final_state() -> None:
    """Any event."""
    assert "raised at the await" == run_in_turns(lambda: _send("unlatch", "opened"))
