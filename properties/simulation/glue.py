"""The floor under every simulator: the same attempts in the same order, and nobody chooses.

Real asyncio tasks, real aiosqlite, real SQLite, the worker's body entered in the loop's own
thread. The order is read from the transcript of a simulated run instead of being chosen; nothing
is offered, tracked or written down. What remains is what any single-threaded simulator of these
libraries has to pay, and ``rates`` puts it beside the simulation and the plain calls.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import threading
from asyncio import base_events
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from properties.simulation import active, seam
from properties.simulation.carriers import Parked
from properties.simulation.loop import SimulationLoop
from properties.simulation.scenario import Scenario, Setting, answer_of
from properties.simulation.transcript import CallText, Kind, Transcript

if TYPE_CHECKING:
    import sqlite3

    from properties.simulation.simulation import Simulation

T = TypeVar("T")

Step = tuple[Kind, str]
"""NOTE and an actor who begins, CALL or LAND and a worker, CLOCK and nothing."""

_NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="main")


def steps_of(transcript: Transcript) -> list[Step]:
    """Return the order of things in a run without faults."""
    steps: list[Step] = []
    for event in transcript.events:
        if event.kind is Kind.CALL and isinstance(event.what, CallText):
            steps.append((Kind.CALL, event.what.worker))
        elif event.kind is Kind.LAND:
            steps.append((Kind.LAND, str(event.what)))
        elif event.kind is Kind.CLOCK:
            steps.append((Kind.CLOCK, ""))
        elif event.kind is Kind.NOTE and event.what == "starts":
            steps.append((Kind.NOTE, event.actor))
    return steps


class _Worker:
    """An aiosqlite worker, and its own carrier."""

    __slots__ = ("body", "carrier", "granted", "loop", "name", "queue", "results")

    def __init__(
        self, name: str, body: Callable[[], object], queue: seam.SubmissionQueue, loop: GlueLoop
    ) -> None:
        self.name = name
        self.body = body
        self.queue = queue
        self.loop = loop
        self.carrier = self
        self.granted = False
        self.results: deque[asyncio.Handle] = deque()
        queue.worker = cast("Any", self)

    def submitted(self, item: Any) -> None:
        if not seam.is_stop(item):
            return
        if self.loop.worker is not None:  # called by the call that runs: the stop comes after it
            self.queue.items[-1] = seam.unheard(item)
            return
        self.step()
        while self.results:
            self.loop._ready.append(self.results.popleft())
        self.loop.forget(self.name)

    def wait(self, _worker: object) -> None:
        raise Parked

    def step(self) -> None:
        self.granted = True
        self.loop.worker = self
        try:
            self.body()
        except Parked:
            pass
        finally:
            self.loop.worker = None
        if self.queue.items and seam.is_stop(self.queue.items[0]):
            self.step()


class GlueLoop(base_events.BaseEventLoop):
    """asyncio's loop, which does the next step of a list where it would wait.

    It is also what the patched names of an open simulation ask instead of that simulation.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool

    is_tracking = False
    is_paused = False

    def __init__(self) -> None:
        """Start at virtual time 0 with nothing to do."""
        super().__init__()
        self.worker: _Worker | None = None
        self.thread_id = threading.get_ident()
        self._now_s = 0.0
        self._steps: deque[Step] = deque()
        self._workers: dict[str, _Worker] = {}
        self._worker_counts: dict[str, int] = {}
        self._arrivals: dict[str, asyncio.Future[None]] = {}

    def time(self) -> float:
        """Return virtual seconds."""
        return self._now_s

    read_clock = time
    call_soon: Any = SimulationLoop.call_soon

    def complete(self, work: Coroutine[Any, Any, T], steps: Sequence[Step] = ()) -> T:
        """Run ``work`` to its end: by ``steps``, or without any each call as soon as it is made."""
        self._steps = deque(steps)
        active.enter(cast("Simulation", self))
        try:
            return self.run_until_complete(work)
        finally:
            active.leave()

    def _run_once(self) -> None:
        ready = self._ready
        while not self._stopping:
            for _ in range(len(ready)):
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
            if not ready and not self._stopping:
                if self._steps:
                    self._do(*self._steps.popleft())
                else:
                    self._do_anything()

    def _do(self, kind: Kind, name: str) -> None:
        if kind is Kind.CALL:
            self._workers[name].step()
        elif kind is Kind.LAND:
            self._ready.append(self._workers[name].results.popleft())
        elif kind is Kind.CLOCK:
            self._admit_timers()
        else:
            self._arrivals.pop(name).set_result(None)

    def _do_anything(self) -> None:
        for worker in self._workers.values():
            if worker.results:
                self._ready.append(worker.results.popleft())
                return
            if worker.queue.items:
                worker.step()
                return
        self._admit_timers()

    def _admit_timers(self) -> None:
        scheduled = self._scheduled
        self._now_s = max(self._now_s, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self._now_s:
            timer: Any = heapq.heappop(scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                self._ready.append(timer)

    def call_soon_threadsafe(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Keep a worker's result until it lands."""
        if self.worker is None:
            made: asyncio.Handle = self.call_soon(callback, *args, context=context)
            return made
        handle = asyncio.Handle(callback, args, self, context)
        self.worker.results.append(handle)
        return handle

    def _process_events(self, event_list: object) -> None:
        """Do nothing: there is no selector."""

    def _write_to_self(self) -> None:
        """Do nothing: nobody sleeps in a selector."""

    # What the patched names ask for ---------------------------------------------------------

    @property
    def is_in_worker(self) -> bool:
        """Whether a worker's call is running now."""
        return self.worker is not None

    def actor_now(self) -> None:
        """Return nobody: nothing is tracked."""

    def opened(self, connection: sqlite3.Connection) -> None:
        """Take no note of a native connection."""

    def add_worker(self, body: Callable[[], object], queue: seam.SubmissionQueue) -> _Worker:
        """Take a worker's body in charge, under the name that the simulation would give it."""
        actor = _NAME.get()
        count = self._worker_counts[actor] = self._worker_counts.get(actor, 0) + 1
        name = f"{actor}.{count}"
        worker = self._workers[name] = _Worker(name, body, queue, self)
        return worker

    def forget(self, name: str) -> None:
        """Let go of a worker that has stopped."""
        self._workers.pop(name, None)

    # Running a scenario -----------------------------------------------------------------------

    def repeat(
        self, scenario: Scenario, setting: Setting, subject: Any, steps: Sequence[Step]
    ) -> tuple[tuple[str, str], ...]:
        """Run a scenario's attempts in the order of ``steps``; return their answers."""
        names = {name for kind, name in steps if kind is Kind.NOTE}
        try:
            return self.complete(self._contend(scenario, setting, subject), steps)
        finally:
            for name in names:
                self._worker_counts.pop(name, None)

    async def _contend(
        self, scenario: Scenario, setting: Setting, subject: Any
    ) -> tuple[tuple[str, str], ...]:
        tasks = {
            name: self._expect(name, partial(answer_of, setting, work))
            for name, work in scenario.attempts(subject, setting)
        }
        await asyncio.wait(tasks.values())
        return tuple((name, task.result()) for name, task in tasks.items())

    def _expect(self, name: str, work: Callable[[], Awaitable[str]]) -> asyncio.Task[str]:
        arrival = self._arrivals[name] = self.create_future()
        context = contextvars.copy_context()
        context.run(_NAME.set, name)

        async def arrive() -> str:
            await arrival
            return await work()

        return self.create_task(arrive(), name=name, context=context)
