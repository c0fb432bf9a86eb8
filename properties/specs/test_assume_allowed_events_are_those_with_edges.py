"""Users assume: `allowed_events` of an active machine names the events its state has an edge for.

A user interface shows buttons by it. The core asks its own lifecycle.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns

LEANS_ON = "users of python-statemachine beside the core: allowed_events"


async def _allowed(state: str) -> list[str]:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        unlatch = closed.to(ajar)
        latch = ajar.to(closed)
        open_it = ajar.to(opened)

        async def on_enter_state(self) -> None:
            pass

    machine: Any = await activated(Door(start_value=state))
    return sorted(str(getattr(event, "id", event)) for event in machine.allowed_events)


def test_in_each_state() -> None:
    """The first, a middle and a final one."""
    assert ["unlatch"] == run_in_turns(lambda: _allowed("closed"))
    assert ["latch", "open_it"] == run_in_turns(lambda: _allowed("ajar"))
    assert [] == run_in_turns(lambda: _allowed("opened"))
