"""Users assume: events that a callback sends run in the order in which it sent them.

However coarse the clock is: from 3.0 to 3.2.1 they are queued by the wall clock, and two that bear
the same time change places. The core sends one event to a machine.
"""

import sys
import time
from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: several events sent by one callback"

EVENT_COUNT = 20


async def _order() -> list[int]:
    seen: list[int] = []

    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        knock_often = closed.to(closed, on="send_all")
        knock = closed.to(closed, on="note")
        open_it = closed.to(opened)

        async def send_all(self) -> None:
            for number in range(EVENT_COUNT):
                await settled(self.send("knock", number=number))

        async def note(self, number: int) -> None:
            seen.append(number)

    machine: Any = await activated(Door())
    await settled(machine.send("knock_often"))
    return seen


@pytest.mark.parametrize("tick_s", [0.0, 1.0], ids=["a clock that stands", "a clock that goes"])
def test_twenty_events(monkeypatch: pytest.MonkeyPatch, tick_s: float) -> None:
    """Sent by one callback, while the clocks tell the same time, or another one at each reading."""
    readings = iter(range(10**9))
    for clock in (time.time, time.monotonic):
        began_s = clock()

        def told(began_s: float = began_s) -> float:
            return began_s + tick_s * next(readings)

        for name, module in list(sys.modules.items()):
            if name.startswith("statemachine"):
                for word, value in list(vars(module).items()):
                    if value is clock:
                        monkeypatch.setattr(module, word, told)
        if clock is time.time:
            monkeypatch.setattr(time, "time", told)
    assert list(range(EVENT_COUNT)) == run_in_turns(_order)
