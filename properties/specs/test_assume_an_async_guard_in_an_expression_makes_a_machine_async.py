"""Users assume: one async guard is enough to make a machine async, in an expression too.

No release up to 3.2.2 looks for coroutines inside of expressions: a machine whose only async part
is there is driven as a synchronous one, nobody awaits the guard, and its coroutine counts as true.
"""

import warnings
from typing import Any

from statemachine import State, StateMachine
from statemachine.exceptions import InvalidDefinition, TransitionNotAllowed

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: cond='not blocked' and nothing else async"


async def _told() -> str:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened, cond="ready and allowed")

        async def ready(self) -> bool:
            return True

        async def allowed(self) -> bool:
            return False

    try:
        machine: Any = await activated(Door())
        await settled(machine.send("open_it"))
    except TransitionNotAllowed:
        return "refused"
    except InvalidDefinition as error:
        return f"cannot be defined: {error}"
    return "taken"


def test_its_answer_is_awaited() -> None:
    """No other callback is async, and the guard says no."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "coroutine was never awaited" is what the law is about
        assert "refused" == run_in_turns(_told)
