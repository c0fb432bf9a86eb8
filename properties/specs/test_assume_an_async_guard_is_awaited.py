"""We assume: python-statemachine awaits an async guard, and its answer decides.

Before 2.3.0 the guard's coroutine was never awaited and, being an object, counted as yes.
"""

import asyncio
import inspect
from typing import Any

from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

LEANS_ON = "fsmcore/adapters/statemachine.py: _edge_is_allowed"


def _machine(answer: bool, asked: list[str]) -> Any:
    class Door(StateMachine):
        closed = State(initial=True)
        opened = State(final=True)
        open_it = closed.to(opened, cond="may_open")

        async def may_open(self) -> bool:
            await asyncio.sleep(0)
            asked.append("asked")
            return answer

    return Door()


async def _sent(machine: Any) -> str:
    started = getattr(machine, "activate_initial_state", lambda: None)()
    if inspect.isawaitable(started):
        await started
    try:
        sent = machine.send("open_it")
        if inspect.isawaitable(sent):
            await sent
    except TransitionNotAllowed:
        return "refused"
    return "taken"


async def _told(answer: bool) -> tuple[list[str], str]:
    asked: list[str] = []
    outcome = await _sent(_machine(answer, asked))
    return asked, outcome


def test_yes_takes_the_edge() -> None:
    """The guard ran once, and the edge was taken."""
    assert (["asked"], "taken") == asyncio.run(_told(True))


def test_no_refuses_it() -> None:
    """The guard ran once, and the sender was told."""
    assert (["asked"], "refused") == asyncio.run(_told(False))
