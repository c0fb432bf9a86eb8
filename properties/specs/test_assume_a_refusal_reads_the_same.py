"""Users assume: the text of a refusal names the event as it was sent, and the state.

Alerts and dashboards match log lines. Since 3.1 the text bears a name made up for people, "Open
it", which nobody has sent. The core writes its own sentence.
"""

from typing import Any

from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: alerts that match the text of an error"


async def _text() -> str:
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
        return str(error)
    return "taken"


def test_its_words() -> None:
    """Of an event that is known, in a state that has no edge for it."""
    assert "Can't open_it when in Closed." == run_in_turns(_text)
