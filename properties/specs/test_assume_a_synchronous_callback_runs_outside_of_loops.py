"""Users assume: a machine without async callbacks, used without a loop, runs them without a loop.

Code that looks for a running loop takes another way there: Django refuses its database. 2.3.0 and
2.3.1 run every callback inside a loop of their own. The core's callbacks are async.
"""

import asyncio
from typing import Any

from statemachine import State, StateMachine

LEANS_ON = "users of python-statemachine beside the core: Django's ORM in a callback"


def test_no_loop_runs_in_it() -> None:
    """Asked of asyncio in the callback."""
    seen: list[str] = []

    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        open_it = closed.to(opened)

        def on_open_it(self) -> None:
            try:
                asyncio.get_running_loop()
                seen.append("a loop")
            except RuntimeError:
                seen.append("no loop")

    asyncio.set_event_loop(made := asyncio.new_event_loop())  # 2.3.0 needs one to be there
    try:
        machine: Any = Door()
        machine.send("open_it")
    finally:
        asyncio.set_event_loop(None)
        made.close()
    assert ["no loop"] == seen
