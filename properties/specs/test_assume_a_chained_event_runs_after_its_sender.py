"""Users assume: an event sent by a callback runs when the transition that sent it is over.

Run to completion: events queue up, in the order in which they were sent. A callback that awaits
its own send must not wait for itself.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: events sent by callbacks"


async def _steps() -> list[str]:
    seen: list[str] = []

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        unlatch = closed.to(ajar)
        open_it = ajar.to(opened)

        async def on_unlatch(self) -> None:
            seen.append("unlatch begins")
            await settled(self.send("open_it"))
            seen.append("unlatch ends")

        async def on_enter_ajar(self) -> None:
            seen.append("ajar")

        async def on_open_it(self) -> None:
            seen.append("open it")

    machine: Any = await activated(Door())
    await settled(machine.send("unlatch"))
    return [*seen, machine.current_state_value]


def test_run_to_completion() -> None:
    """The second event begins after the first one has entered its state."""
    expected = ["unlatch begins", "unlatch ends", "ajar", "open it", "opened"]
    assert expected == run_in_turns(_steps)
