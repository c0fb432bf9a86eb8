"""Users assume: after a callback has raised before the state was left, the machine is where it was.

And it takes the next event. A lock that the engine keeps, or a state half left, breaks it.
"""

from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: retry of the same event"


async def _try_twice(place: str) -> tuple[str, ...]:
    failures = [RuntimeError(place)]

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened, cond="may_open")

        def fail_once(self, here: str) -> None:
            if here == place and failures:
                raise failures.pop()

        async def may_open(self) -> bool:
            self.fail_once("guard")
            return True

        async def before_open_it(self) -> None:
            self.fail_once("before")

    machine: Any = await activated(Door())
    told = []
    for _ in range(2):
        try:
            await settled(machine.send("open_it"))
            told.append("taken")
        except RuntimeError:
            told.append("raised")
        told.append(str(machine.current_state_value))
    return tuple(told)


@pytest.mark.parametrize("place", ["guard", "before"])
def test_the_second_try_succeeds(place: str) -> None:
    """The first raises, the state is the source, the second is taken."""
    assert ("raised", "closed", "taken", "opened") == run_in_turns(lambda: _try_twice(place))
