"""Users assume: an async machine can be driven from a plain thread that has no event loop.

Django and Flask do. 2.3.0 asked asyncio for the thread's loop, and only the main thread had one.
"""

import threading
from typing import Any

from statemachine import State, StateMachine

LEANS_ON = "users of python-statemachine beside the core: send() from a synchronous worker thread"


def _drive(told: list[str]) -> None:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

        async def on_open_it(self) -> str:
            return "opened it"

    try:
        machine: Any = Door()
        told.append(f"got {machine.send('open_it')}")
    except Exception as error:
        told.append(f"{type(error).__name__}: {error}")


def test_a_thread_without_a_loop() -> None:
    """Make a machine there, and send one event."""
    told: list[str] = []
    thread = threading.Thread(target=_drive, args=(told,))
    thread.start()
    thread.join(10)
    assert ["got opened it"] == told
