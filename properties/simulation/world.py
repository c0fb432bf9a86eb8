"""What a run consists of: actors, workers, what is under way, and what was touched.

It says no word about what happens next. Scenarios start their actors here, the stand-ins for
aiosqlite's thread and queue submit and finish here.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from properties.simulation import footprints, seam
from properties.simulation.actor import Actor
from properties.simulation.budget import Budget, Spent
from properties.simulation.carriers import Carrier, Worker, carrier
from properties.simulation.escapes import EscapeError
from properties.simulation.loop import ACTOR, SimulationLoop
from properties.simulation.scheduler import Option, Scheduler, Watcher
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.transcript import Event, Kind, Transcript

T = TypeVar("T")

IDLE_BUDGET = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What a simulation has seen several actors use: locks, and connections by worker name.

    Until then each counts as private; a search that learns of another one starts again.
    """

    locks: bool = False
    queues: tuple[str, ...] = ()


class World:
    """Everything that one run can change. ``Simulation`` makes it, and decides in it."""

    loop: SimulationLoop

    def __init__(self, carrier_name: str) -> None:
        """Hold nothing yet."""
        self.carrier: Carrier = carrier(carrier_name)
        self.database_path: str | None = None
        self.escapes: list[EscapeError] = []
        self.is_paused = False
        self.is_tracking = False
        self.is_attentive = False
        self._may_strike = False
        self.touched_read = 0
        self.touched_write = 0
        self.thread_id = threading.get_ident()
        self.transcript = Transcript()
        self.actors: list[Actor] = []
        self.workers: list[Worker] = []
        self._lasting: list[Worker] = []
        self._outside = Actor("outside", -1, 0, contextvars.copy_context())
        self._last: Actor = self._outside
        self._leader: Actor | None = None
        self._clock_leads = False
        self._has_just_landed = False
        self._locks_are_shared = False
        self._shared_queues: set[str] = set()
        self._arrivals: list[tuple[Actor, asyncio.Future[None]]] = []
        self._quiet: asyncio.Future[None] | None = None
        self._scheduler: Scheduler = PoliteScheduler()
        self._watcher: Watcher | None = None
        self._budget = IDLE_BUDGET
        self._spent = Spent()
        self._choices: list[int] = []
        self._widths: list[int] = []
        self._switches: dict[int, Option] = {}
        self._marks: list[int] = []
        self._is_pruned = False
        self._is_preparing = False
        self._step_count = 0
        self._run_count = 0
        self._step_limit = 0
        self._value: object = None
        self._value_failed = False
        self._blocker: sqlite3.Connection | None = None
        self._at_opening: Callable[[sqlite3.Connection], object] | None = None
        self._death: asyncio.Future[None] | None = None
        self._dead: list[Worker] = []
        self.wall_offset_s = 0.0
        self.wall_stopped_s: float | None = None

    # What a scenario calls ------------------------------------------------------------------

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Start an actor now. All tasks and workers that it starts are its own."""
        actor = self._make_actor(name)
        return actor.context.run(self._start_task, actor, work)

    def expect(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Return the task of an actor who begins when the schedule says, as a request arrives."""
        actor = self._make_actor(name)
        arrival: asyncio.Future[None] = self.loop.create_future()
        actor.outstanding_count += 1
        self._arrivals.append((actor, arrival))

        async def arrive() -> T:
            await arrival
            return await work()

        return actor.context.run(self._start_task, actor, arrive)

    async def quiet(self) -> None:
        """Wait until nothing can happen any more: calls that nobody awaits have run, too."""
        self._quiet = self.loop.create_future()
        await self._quiet

    def note(self, what: object, result: object = None) -> None:
        """Write a domain step of the actor that calls this into the transcript."""
        self.transcript.events.append(
            Event(self.loop.now_s, self.actor_now().name, Kind.NOTE, what, result)
        )

    def touch(self) -> None:
        """Say that the running step changes memory that other actors use too."""
        self.touched_write |= footprints.SHARED

    def look(self) -> None:
        """Say that the running step looks at such memory."""
        self.touched_read |= footprints.SHARED

    @property
    def sharing(self) -> Sharing:
        """What counts as shared."""
        return Sharing(locks=self._locks_are_shared, queues=tuple(sorted(self._shared_queues)))

    def take_for_shared(self, sharing: Sharing) -> None:
        """Count this as shared from now on, whoever made it."""
        self._locks_are_shared |= sharing.locks
        self._shared_queues |= set(sharing.queues)

    def touches_lock(self, maker: Actor | None) -> None:
        """Take note that the running step touches a lock or a queue that ``maker`` made."""
        if maker is not None and not self._locks_are_shared:
            if maker is self.actor_now():
                return
            if maker.task is not None and maker.index > 0:
                self._locks_are_shared = True
                if self._watcher is not None:
                    self._watcher.locks_are_shared()
        self.touched_write |= footprints.LOCKS

    def touches_queue(self, worker: Worker, actor: Actor) -> None:
        """Take note that the running step of ``actor`` submits a call to a worker."""
        if worker.name not in self._shared_queues:
            if worker.used_in_run != self._run_count:
                worker.user, worker.used_in_run = actor, self._run_count
            if worker.user is actor:
                return
            self._shared_queues.add(worker.name)
        self.touched_write |= footprints.QUEUES

    def read_clock(self) -> float:
        """Return virtual seconds since the run began."""
        if self.is_tracking:
            self.touched_read |= footprints.CLOCK
        return self.loop.now_s

    def read_wall(self) -> float:
        """Return virtual seconds since the run began, as the wall clock shows them."""
        now_s = self.read_clock()
        return (
            self.wall_stopped_s if self.wall_stopped_s is not None else now_s + self.wall_offset_s
        )

    def death(self) -> asyncio.Future[None]:
        """Return what is done when the process dies; from now on a schedule may let it."""
        self._death = self.loop.create_future()
        return self._death

    @property
    def is_mortal(self) -> bool:
        """Whether somebody waits for the process's death, and it still lives."""
        return self._death is not None and not self._death.done()

    def survive(self) -> None:
        """Nobody waits for a death any more."""
        self._death = None

    def actor_now(self) -> Actor:
        """Return who is acting."""
        return _acting(self._outside)

    def _make_actor(self, name: str, *, is_neutral: bool = False) -> Actor:
        index = len(self.actors)
        bit = 0 if is_neutral else footprints.FIRST_ACTOR << index
        actor = Actor(name, index, bit, contextvars.copy_context())
        actor.context.run(ACTOR.set, actor)
        self.actors.append(actor)
        return actor

    def _start_task(self, actor: Actor, work: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        task: asyncio.Task[T] = self.loop.create_task(
            work(), name=actor.name, context=actor.context
        )
        actor.task = task
        return task

    # What aiosqlite's side calls ------------------------------------------------------------

    @property
    def is_in_worker(self) -> bool:
        """Whether a worker's call is running now."""
        return self.loop.worker is not None

    def is_in_own_thread(self) -> bool:
        """Whether the caller is the thread of the event loop."""
        return threading.get_ident() == self.thread_id

    def has_open_transaction(self) -> bool:
        """Return whether a worker that still lives is inside a transaction."""
        return any(seam.in_transaction(worker.native) for worker in self.workers)

    def add_worker(self, body: Callable[[], object], queue: seam.SubmissionQueue) -> Worker:
        """Take a worker's body in charge."""
        actor = self.actor_now()
        actor.worker_count += 1
        name = f"{actor.name}.{actor.worker_count}"
        worker = Worker(name, body, queue, self.carrier, self)
        self.workers.append(worker)
        self.workers.sort(key=_by_name)
        self.carrier.start(worker)
        return worker

    def submitted(self, worker: Worker, item: Any, actor: Actor) -> None:
        """Take note of an item of ``actor``; one that only stops the worker is run at once."""
        if seam.is_stop(item):
            if self.loop.worker is not None:  # called in the worker's thread, where no loop runs
                worker.queue.items[-1] = seam.unheard(item)
            is_idle = len(worker.queue.items) == 1 and self.loop.worker is None
            if is_idle and worker.is_alive:  # else retired: a late destructor stops nobody
                self._run_stop(worker)
        else:
            actor.outstanding_count += 1
            self.touches_queue(worker, actor)

    def finished(
        self, worker: Worker, callback: Callable[..., object], arguments: tuple[Any, ...]
    ) -> asyncio.Handle:
        """Keep a result until the schedule lands it."""
        self._value = arguments[-1]
        self._value_failed = seam.is_failure(callback)
        actor = worker.submitters[0]
        handle = asyncio.Handle(callback, arguments, self.loop, context=actor.context)
        worker.results.append((actor, handle, ""))
        return handle

    def opened(self, connection: sqlite3.Connection) -> None:
        """Take note of a worker's native connection."""
        if self.loop.worker is not None:
            self.loop.worker.opened(connection)
            if self._at_opening is not None:
                self._at_opening(connection)

    @contextlib.contextmanager
    def as_it_opens(self, set_up: Callable[[sqlite3.Connection], object]) -> Iterator[None]:
        """Do this to each connection that a worker opens inside the block, in its thread."""
        self._at_opening = set_up
        try:
            yield
        finally:
            self._at_opening = None

    def _run_stop(self, worker: Worker) -> None:
        count = len(worker.results)
        self._step_worker(worker)
        worker.submitters.popleft()
        if len(worker.results) > count:
            self.loop.land(worker.results.pop()[1])
        self._forget_if_dead(worker)

    def _step_worker(self, worker: Worker) -> None:
        self.loop.worker = worker
        try:
            self.carrier.step(worker)
        finally:
            self.loop.worker = None

    def _forget_if_dead(self, worker: Worker) -> None:
        if not worker.is_alive and not worker.results and worker in self.workers:
            self.workers.remove(worker)


_acting = ACTOR.get


def _by_name(worker: Worker) -> tuple[int, str]:
    return len(worker.name), worker.name
