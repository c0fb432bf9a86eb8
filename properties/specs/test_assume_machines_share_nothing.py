"""We assume: two machines of one class share nothing, though both are under way at once.

The core makes one class a lifecycle and one machine a transition, many at a time. State kept on
the class breaks it.
"""

import asyncio
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "fsmcore/adapters/statemachine.py: machine_class"


async def _two_at_once() -> list[str]:
    meet = asyncio.Barrier(2)

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        push = closed.to(ajar) | ajar.to(opened)

        async def on_push(self, source: Any) -> str:
            await meet.wait()
            return str(source.value)

    async def drive(start: str) -> str:
        machine: Any = await activated(Door(start_value=start))
        result = await settled(machine.send("push"))
        return f"{result} -> {machine.current_state_value}"

    return list(await asyncio.gather(drive("closed"), drive("ajar")))


def test_each_is_where_it_was_started() -> None:
    """Both are inside their callback at the same time."""
    assert ["closed -> ajar", "ajar -> opened"] == run_in_turns(_two_at_once)
