"""Users assume: of two events that share a transition, only the one that was sent runs its actions.

Up to 1.0 both did. The core gives an edge one event; its hook would write twice.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "fsmcore/adapters/statemachine.py: machine_class"


async def _push() -> list[str]:
    seen: list[str] = []

    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        push = closed.to(opened)
        pull = push

        def on_push(self) -> None:
            seen.append("pushed")

        def on_pull(self) -> None:
            seen.append("pulled")

    machine: Any = await activated(Door())
    await settled(machine.send("push"))
    return seen


def test_two_events_on_one_transition() -> None:
    """Send one of them."""
    assert ["pushed"] == run_in_turns(_push)
