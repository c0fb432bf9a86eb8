"""asyncio's own event loop with the waiting taken out.

Tasks, futures, handles and the timer heap are CPython's. Ready callbacks run in
FIFO order, as in ``asyncio.base_events._run_once``: due timers join when a batch begins, and what
a batch appends runs after it. Where the real loop would wait in ``select``, ours asks the
schedule what happens next.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from asyncio import base_events
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from properties.simulation.escapes import escaped

if TYPE_CHECKING:
    from properties.simulation.actor import Actor
    from properties.simulation.carriers import Worker
    from properties.simulation.simulation import Simulation

ACTOR: contextvars.ContextVar[Actor] = contextvars.ContextVar("actor")
"""Who is acting; children of a task inherit it with their context."""


class SimulationLoop(base_events.BaseEventLoop):
    """Runs callbacks as asyncio does, and nothing by itself."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool
    _is_made = False

    def __init__(self, simulation: Simulation) -> None:
        """Start at virtual time 0."""
        super().__init__()
        self._simulation = simulation
        self._batch_count = 0
        self._task_count = 0
        self.now_s = 0.0
        self.worker: Worker | None = None
        """The worker whose call is running now."""
        self._is_made = True

    def __del__(self) -> None:
        """Complain of being left open; one that Ctrl-C met half made has nothing to close."""
        if self._is_made:
            super().__del__()

    def time(self) -> float:
        """Return virtual seconds."""
        return self._simulation.read_clock()

    def reset(self) -> None:
        """Go back to time 0; raises RuntimeError when the last run left callbacks behind."""
        for handle in self._ready:
            handle.cancel()
        for timer in self._scheduled:
            timer.cancel()
        self._ready.clear()
        self._scheduled.clear()
        self._batch_count = self._task_count = 0
        self.now_s = 0.0

    def _run_once(self) -> None:
        """Run until somebody stops the loop: asyncio looks after each batch, and so do we."""
        ready, simulation = self._ready, self._simulation
        while not self._stopping:
            if not self._batch_count:
                if self._scheduled:
                    self._admit_due_timers()
                if not ready:
                    simulation.decide()
                    continue
                self._batch_count = len(ready)
            if simulation.is_attentive or simulation.is_tracking:
                self._run_batch_attentively()
                continue
            for _ in range(self._batch_count):
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
            self._batch_count = 0

    def _run_batch_attentively(self) -> None:
        ready, simulation = self._ready, self._simulation
        while self._batch_count:
            if simulation.is_attentive and not simulation.decide_at_ready():
                continue
            self._batch_count -= 1
            handle = ready.popleft()
            if not handle._cancelled:
                if simulation.is_tracking:
                    simulation.runs(handle)
                handle._run()

    def _admit_due_timers(self) -> None:
        scheduled, now_s = self._scheduled, self.now_s
        while scheduled and (scheduled[0]._cancelled or scheduled[0].when() <= now_s):
            timer: Any = heapq.heappop(scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                self._ready.append(timer)

    def timer_times(self) -> list[float]:
        """Return when timers are due, earliest first, each time once."""
        while self._scheduled and self._scheduled[0]._cancelled:
            timer: Any = heapq.heappop(self._scheduled)
            timer._scheduled = False
        if len(self._scheduled) <= 1:
            return [each.when() for each in self._scheduled]
        return sorted({each.when() for each in self._scheduled if not each._cancelled})

    def forget_timers(self, actors: Sequence[Actor]) -> None:
        """Let no timer of these actors ring any more."""
        for handle in tuple(self._scheduled):
            if handle._context.get(ACTOR) in actors:  # type: ignore[attr-defined]
                handle.cancel()

    def head(self) -> asyncio.Handle:
        """Return the callback that runs next."""
        return self._ready[0]

    def land(self, handle: asyncio.Handle) -> None:
        """Let a worker's finished result join the ready queue."""
        self._ready.append(handle)

    def has_ready(self) -> bool:
        """Return whether a callback can run."""
        return bool(self._ready)

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Do as asyncio does, without its checks for debug mode: a run makes hundreds of these."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Keep a worker's result until the schedule lands it."""
        if self.worker is not None:
            return self._simulation.finished(self.worker, callback, args)
        if not self._simulation.is_in_own_thread():
            raise escaped("foreign thread")
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Refuse: nobody schedules an executor's threads."""
        raise escaped("executor")

    def subprocess_exec(self, *_: Any, **__: Any) -> Any:
        """Refuse: a process runs in real time."""
        raise escaped("subprocess.Popen")

    subprocess_shell = subprocess_exec

    def add_reader(self, *_: Any) -> Any:  # type: ignore[override]
        """Refuse: there is no selector."""
        raise escaped("selector")

    add_writer = add_reader  # type: ignore[assignment]

    def add_signal_handler(self, *_: Any) -> Any:  # type: ignore[override]
        """Refuse: nobody schedules a signal."""
        raise escaped("signal")

    def create_task(self, coro: Any, *, name: Any = None, **options: Any) -> Any:
        """Make a task with a name that two runs share."""
        if name is None:
            self._task_count += 1
            name = f"task {self._task_count}"
        return super().create_task(coro, name=name, **options)

    def _process_events(self, event_list: object) -> None:
        """Do nothing: there is no selector."""

    def _write_to_self(self) -> None:
        """Do nothing: nobody sleeps in a selector."""
