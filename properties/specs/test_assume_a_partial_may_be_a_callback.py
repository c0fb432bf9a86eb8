"""Users assume: anything that can be called may be an action or a guard, a partial too.

`functools.partial` gives an action its arguments. 2.0 refused it, 2.1 took it, 2.2 to 2.6 refuse
it again. The core's callbacks are methods.
"""

import functools
from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: on=functools.partial(notify, 'opened')"


class Caller:
    """An object that can be called."""

    def __init__(self, seen: list[str]) -> None:
        """Write into ``seen``."""
        self.seen = seen

    def notify(self, what: str, **_: Any) -> None:
        """Note what was told."""
        self.seen.append(what)


async def _called(kind: str) -> list[str]:
    seen: list[str] = []
    caller = Caller(seen)
    actions: dict[str, Any] = {
        "a method": functools.partial(Caller.notify, caller, "opened"),
        "a function": functools.partial(lambda what, **_: seen.append(what), "opened"),
    }

    try:

        class Door(StateMachine):
            closed = State("Closed", initial=True, value="closed")
            opened = State("Opened", final=True, value="opened")
            open_it = closed.to(opened, on=actions[kind])

        machine: Any = await activated(Door())
    except AttributeError as error:
        return [f"cannot be defined: {error}"]
    await settled(machine.send("open_it"))
    return seen


@pytest.mark.parametrize("kind", ["a method", "a function"])
def test_an_action_with_its_argument(kind: str) -> None:
    """Called once, with what it was given."""
    assert ["opened"] == run_in_turns(lambda: _called(kind))
