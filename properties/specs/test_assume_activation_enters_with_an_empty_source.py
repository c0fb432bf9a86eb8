"""We assume: activation fires on_enter_state once, with an empty source and no sender's arguments.

Empty is None up to 2.4, and a placeholder state whose value is None from 2.5: both mean *do not
write*. A real source there would make every machine write when it is built.
"""

import asyncio
import inspect
from typing import Any

from statemachine import State, StateMachine

LEANS_ON = "fsmcore/adapters/statemachine.py: _on_enter_state"


async def _entered(start: str) -> list[tuple[Any, Any]]:
    seen: list[tuple[Any, Any]] = []

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        push = closed.to(ajar) | ajar.to(opened)

        async def on_enter_state(self, source: Any = None, target: Any = None) -> None:
            seen.append((source and source.value, target and target.value))

    machine: Any = Door(start_value=start)
    assert hasattr(machine, "activate_initial_state"), "a coroutine cannot activate the machine"
    started = machine.activate_initial_state()
    if inspect.isawaitable(started):
        await started
    assert machine.current_state_value == start
    sent = machine.send("push")
    if inspect.isawaitable(sent):
        await sent
    return seen


def test_only_a_transition_has_a_source() -> None:
    """From the first state, and from a later one that a row was read in."""
    assert [(None, "closed"), ("closed", "ajar")] == asyncio.run(_entered("closed"))
    assert [(None, "ajar"), ("ajar", "opened")] == asyncio.run(_entered("ajar"))
