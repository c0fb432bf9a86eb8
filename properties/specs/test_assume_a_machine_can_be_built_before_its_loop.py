"""Users assume: an async machine may be built where no event loop runs, and be driven in one later.

Modules and dependency containers build machines at import. 2.3.0 asks asyncio for a loop there,
which the main thread alone has, until its first asyncio.run has ended. The core builds inside its
loop.
"""

import asyncio
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: machines made at import"


def _build() -> Any:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

        async def on_open_it(self) -> str:
            return "opened it"

    try:
        return Door()
    except RuntimeError as error:
        return f"cannot be built: {error}"


def test_built_outside_driven_inside() -> None:
    """Build where a loop has run and ended, then activate and send inside another one."""
    asyncio.run(asyncio.sleep(0))
    machine = _build()
    assert not isinstance(machine, str), machine

    async def drive() -> object:
        await activated(machine)
        return await settled(machine.send("open_it"))

    assert "opened it" == run_in_turns(drive)
