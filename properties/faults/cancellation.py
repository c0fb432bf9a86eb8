"""Cancellation at every await of a call: as it begins to wait, as its answer has come, or again.

A call can be cancelled only where it waits. What it waits for there may not have happened yet, or
it has and the answer has landed but not woken anybody: then asyncio delivers both, the effect and
the cancellation. A second cancellation may come while the call still cleans up after the first, at
any of the suspensions that are left: all pairs are struck. Each suspension of the call's own task
is an operation, and so is each one of the tasks that it starts (a state machine may run its
callbacks in tasks of their own): meanwhile the call waits for them, and it is the call that is
cancelled.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from properties.faults.plan import Driven, Fault, Means, Repeat, Strike

T = TypeVar("T")


class CancellationStrike(Strike):
    """Cancels the call at the Nth suspension, at a later one as well, or at each one from it on."""

    def __init__(self, fault: Fault, *, is_answered: bool) -> None:
        """``is_answered`` lets the answer land first."""
        super().__init__(fault)
        self._is_answered = is_answered

    def driven(self, call: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Drive the call, and whatever tasks are started meanwhile."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call runs in a task; this one has none to cancel")
        loop = task.get_loop()

        def started(
            loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
        ) -> asyncio.Task[Any]:
            return asyncio.Task(self._in_a_task(coroutine, task), loop=loop, **options)

        before = loop.get_task_factory()
        loop.set_task_factory(started)
        try:
            return (yield from self._suspended(call, task))
        finally:
            loop.set_task_factory(before)

    async def _in_a_task(self, coroutine: Coroutine[Any, Any, T], task: asyncio.Task[Any]) -> T:
        return await Driven(self._suspended(coroutine.__await__(), task))

    def _suspended(
        self, call: Generator[Any, Any, T], task: asyncio.Task[Any]
    ) -> Generator[Any, Any, T]:
        resume, what = call.send, None
        while True:
            try:
                future = resume(what)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if self.is_due("cancelled while it waits"):
                self._cancel(task, future)
            try:
                what = yield future
                resume = call.send
            except BaseException as error:  # noqa: BLE001 - it is thrown into the call
                what, resume = error, call.throw

    def _cancel(self, task: asyncio.Task[Any], future: object) -> None:
        if self._is_answered and isinstance(future, asyncio.Future):
            # Before the waiting task's own callback, which is added when it has suspended.
            future.add_done_callback(lambda _future: task.cancel())
        else:
            task.get_loop().call_soon(task.cancel)


def _means(name: str, *, is_answered: bool, is_paired: bool = False) -> Means:
    return Means(
        name=name,
        fault="double cancellation" if is_paired else "cancellation",
        operation="await of the call",
        strike=functools.partial(CancellationStrike, is_answered=is_answered),
        repeats=(Repeat.ONCE,) if is_paired else (Repeat.ONCE, Repeat.PERSISTENTLY),
        depends_on=("python", "aiosqlite", "python-statemachine"),
        is_paired=is_paired,
    )


CANCELLATIONS = (
    _means("cancel", is_answered=False),
    _means("cancel-answered", is_answered=True),
    _means("cancel-twice", is_answered=False, is_paired=True),
    _means("cancel-answered-twice", is_answered=True, is_paired=True),
)
