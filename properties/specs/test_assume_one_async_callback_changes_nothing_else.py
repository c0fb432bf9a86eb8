"""Users assume: a machine does the same whether its callbacks are async or not.

From 3.0 to 3.2.1 the two engines differ in what they tell of an event that fails, or comes, behind
another one. The core's callbacks are all async, and send nothing.
"""

from typing import Any

import pytest
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: a callback that is made async one day"

SCENES = ["results", "refused", "chained", "chained error", "behind the last", "error on entry"]


async def _ended(scene: str, is_async: bool) -> tuple[object, object]:
    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        ajar = State("Ajar", value="ajar")
        opened = State("Opened", final=True, value="opened")
        unlatch = closed.to(ajar, on="act")
        open_it = ajar.to(opened, on="act_last")

        def act(self) -> object:
            if scene.startswith("chained"):
                self.send("open_it")
            return "acted"

        def act_last(self) -> object:
            if scene == "behind the last":
                self.send("unlatch")
            if scene == "chained error":
                raise OSError("the disk is full")
            return "acted last"

        def on_enter_ajar(self) -> None:
            if scene == "error on entry":
                raise OSError("the disk is full")

    class AsyncDoor(Door):
        async def after_transition(self) -> None:
            pass

    machine: Any = await activated(AsyncDoor() if is_async else Door())
    told: object = None
    for event in ["open_it"] if scene == "refused" else ["unlatch", "open_it"]:
        try:
            told = await settled(machine.send(event))
        except Exception as error:
            told = type(error).__name__
            break
    return told, machine.current_state_value


@pytest.mark.parametrize("scene", SCENES)
def test_both_end_alike(scene: str) -> None:
    """What the sender is told, and where the machine is."""
    synchronous = run_in_turns(lambda: _ended(scene, False))
    assert synchronous == run_in_turns(lambda: _ended(scene, True))
