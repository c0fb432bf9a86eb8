"""We assume: a wall clock that steps back, or stands still, does not hold up a sender.

From 3.0 to 3.2.1 an event is queued with the wall clock's time, and waits until that has come: a
clock set back by an hour between the two makes a transition take an hour.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "fsmcore/adapters/statemachine.py: StateMachineAdapter.trigger"


async def _send() -> str:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

        async def on_open_it(self) -> str:
            return "opened it"

    machine: Any = await activated(Door())
    return str(await settled(machine.send("open_it")))


def _clocks() -> list[tuple[Any, str]]:
    """Where the library keeps the wall clock: in the module, or under a name of its own."""
    return [(time, "time")] + [
        (module, name)
        for module_name, module in list(sys.modules.items())
        if module_name.startswith("statemachine")
        for name, value in list(vars(module).items())
        if value is time.time
    ]


@pytest.mark.parametrize("step_s", [-3600.0, 0.0, 3600.0], ids=["back", "still", "ahead"])
def test_a_step_at_each_reading(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    """Each reading is an hour before, the same as, or an hour after the one before."""
    now_s = [time.time()]

    def stepping() -> float:
        now_s[0] += step_s
        return now_s[0]

    clock: Callable[[], float] = stepping
    for owner, name in _clocks():
        monkeypatch.setattr(owner, name, clock)
    assert "opened it" == run_in_turns(_send)
