"""Coroutines of a library, driven so that "for ever" is a number of turns of the loop, not a wait.

The loop's clock moves by one millisecond a turn, so timers fire by count: nothing here depends on
how fast the machine is, and who waits for ever is found in a few milliseconds.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

TURN_COUNT = 2000


class WaitsForEverError(AssertionError):
    """Whoever was waited for has not come within the turns: the law is broken."""


class TurnLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop with a clock that counts turns."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.turn_count = 0
        super().__init__()

    def time(self) -> float:
        """Return a millisecond for each turn."""
        return self.turn_count / 1000


def run_in_turns(main: Callable[[], Awaitable[T]], *, turn_count: int = TURN_COUNT) -> T:
    """Run ``main`` on a loop of its own; raises ``WaitsForEverError`` after ``turn_count`` turns.

    For coroutines alone: a worker thread would not be waited for.
    """

    async def counted() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(main())
        for _ in range(turn_count):
            if task.done():
                return task.result()
            if isinstance(loop, TurnLoop):
                loop.turn_count += 1
            await asyncio.sleep(0)
        task.cancel()
        raise WaitsForEverError(f"somebody still waits after {turn_count} turns of the loop")

    with asyncio.Runner(loop_factory=TurnLoop) as runner:
        return runner.run(counted())


async def settled(value: Any) -> Any:
    """Return ``value``, awaited where a release returns an awaitable."""
    return await value if inspect.isawaitable(value) else value


async def activated(machine: Any) -> Any:
    """Return a python-statemachine machine that is in its first state, whatever its release."""
    await settled(getattr(machine, "activate_initial_state", lambda: None)())
    return machine
