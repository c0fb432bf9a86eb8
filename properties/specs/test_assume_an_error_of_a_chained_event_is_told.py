"""Users assume: an error of an event that a callback sent reaches whoever sent the first one.

Otherwise nobody hears of it: from 3.0 to 3.2.1 the first sender is told that all went well. The
core sends no event from a callback.
"""

from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: events sent by callbacks"


async def _chained(sends: str) -> str:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        ajar = State("Ajar", value="ajar")
        opened = State("Opened", final=True, value="opened")
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

        async def on_enter_ajar(self) -> None:
            await settled(getattr(self, sends, self.send)("open_it"))

        async def on_open_it(self) -> None:
            raise OSError("the disk is full")

    machine: Any = await activated(Door())
    try:
        await settled(machine.send("unlatch"))
    except OSError:
        return "told"
    return "not told"


@pytest.mark.parametrize("sends", ["send", "raise_"])
def test_the_first_sender_is_told(sends: str) -> None:
    """Of an event that was sent, and of one that was raised inside, where a release has those."""
    assert "told" == run_in_turns(lambda: _chained(sends))
