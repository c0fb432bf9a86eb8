"""Runs real asyncio, real aiosqlite and real SQLite; only *when* things happen is chosen.

At each choice point one thing happens: a worker runs its next submitted call, a finished result
lands on the event loop, the clock moves to a timer, or a budgeted fault strikes. A call and the
landing of its result are two steps, as they are with real threads. Whatever a landing makes ready
runs to its end before the next step, unless ``Budget.callbacks_interleave`` says otherwise; a
budgeted cancellation may strike between any two callbacks.

Choice 0 goes on with the actor that acted last. Every other choice is a context switch or a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import re
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from properties.simulation import active, clock, escapes, footprints, primitives, seam
from properties.simulation.carriers import Carrier, Worker, carrier
from properties.simulation.loop import ACTOR, SimulationLoop
from properties.simulation.scheduler import (
    Action,
    Footprint,
    HarnessError,
    Option,
    Point,
    PrunedRun,
    Scheduler,
    Watcher,
)
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.transcript import (
    CallText,
    Event,
    Failure,
    Kind,
    Transcript,
    failure,
    result_of,
)

T = TypeVar("T")

RUNS_BETWEEN_COLLECTIONS = 64
_BUSY_TIMEOUT = re.compile(r"\s*PRAGMA\s+(?:\w+\.)?busy_timeout", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a schedule may spend beyond the order of calls and landings.

    ``cancellations`` strike any actor, between any two callbacks. ``early_clocks`` move the clock
    while something else could still happen, to the first or the second timer. ``overlaps`` let a
    call meet another worker's pending write, so that SQLite answers BUSY.
    ``callbacks_interleave`` also lets calls, landings and the clock happen between two callbacks.
    ``faults`` strike at most ``fault_count`` times together.
    """

    cancellations: int = 0
    early_clocks: int = 0
    overlaps: int = 0
    callbacks_interleave: bool = False
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    step_limit: int = 20_000


class Fault(Protocol):
    """A way to fail that a schedule may spend; later work adds its own."""

    @property
    def name(self) -> str:
        """Its name in options and transcripts."""
        ...

    def actors(self, simulation: Simulation) -> Iterable[Actor]:
        """Return whom it can strike now."""
        ...

    def strike(self, simulation: Simulation, actor: Actor) -> Footprint:
        """Happen; return what was touched."""
        ...


@dataclass(slots=True, eq=False)
class Actor:
    """Who acts: an attempt, with all the tasks and workers that it starts."""

    name: str
    index: int
    bit: int
    context: contextvars.Context
    task: asyncio.Task[Any] | None = None
    worker_count: int = 0
    ready_option: Option = field(init=False)
    cancel_option: Option = field(init=False)
    outstanding_count: int = 0
    """Calls submitted and not yet landed: while there are any, only they can wake it."""

    def __post_init__(self) -> None:
        """Make the options once that are offered again and again."""
        self.ready_option = Option(Action.READY, self.name, "")
        self.cancel_option = Option(Action.FAULT, self.name, "cancel")


_NOBODY_READY = Option(Action.READY, "", "")


class StuckError(Exception):
    """Nothing can happen any more, and somebody still waits."""


class RunawayError(Exception):
    """The run did not end within its step limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[T]):
    """What became of one run.

    ``value`` is what the main coroutine returned. ``choices`` holds each choice made and
    ``widths`` among how many; ``deviations`` are those that were not 0. ``stuck`` says why the run
    did not end by itself, ``leaks`` names workers that outlived it. ``descriptions`` say what each
    deviation did, and ``marks`` which event of the transcript it was.
    """

    value: T | None
    error: BaseException | None
    transcript: Transcript
    choices: tuple[int, ...]
    widths: tuple[int, ...]
    descriptions: dict[int, str]
    marks: tuple[int, ...]
    stuck: str | None
    escapes: tuple[escapes.EscapeError, ...]
    leaks: tuple[str, ...]
    is_pruned: bool
    step_count: int

    @property
    def deviations(self) -> dict[int, int]:
        """The choices that were not polite, by choice point."""
        return {index: choice for index, choice in enumerate(self.choices) if choice}


@dataclass(slots=True)
class _Patch:
    owner: object
    name: str
    original: object


@dataclass(slots=True)
class _Spent:
    cancellations: int = 0
    early_clocks: int = 0
    overlaps: int = 0
    faults: int = 0


_idle_budget = Budget()
_new = tuple.__new__  # twice as fast as calling a NamedTuple, and these are made for each call


class Simulation:
    """A world with its own loop, clock and workers. Open it with ``with``; one runs at a time.

    ``judged`` names further packages whose ``datetime`` must follow the virtual clock.
    """

    def __init__(self, *, carrier_name: str = "inline", judged: tuple[str, ...] = ()) -> None:
        """Patch nothing yet; raises ``UnknownAiosqliteError`` for insides nobody has looked at."""
        seam.require_known_version()
        self.carrier: Carrier = carrier(carrier_name)
        self.loop = SimulationLoop(self)
        self.loop.set_exception_handler(self._on_loop_error)
        self.database_path: str | None = None
        self.escapes: list[escapes.EscapeError] = []
        self.is_paused = False
        self.is_tracking = False
        self.is_attentive = False
        self.touched_read = 0
        self.touched_write = 0
        self.thread_id = threading.get_ident()
        self.transcript = Transcript()
        self.actors: list[Actor] = []
        self.workers: list[Worker] = []
        self._judged = judged
        self._patches: list[_Patch] = []
        self._lasting: list[Worker] = []
        self._outside = Actor("outside", -1, 0, contextvars.copy_context())
        self._last: Actor = self._outside
        self._leader: Actor | None = None
        self._clock_leads = False
        self._has_just_landed = False
        self._locks_are_shared = False
        self._arrivals: list[tuple[Actor, asyncio.Future[None]]] = []
        self._quiet: asyncio.Future[None] | None = None
        self._scheduler: Scheduler = PoliteScheduler()
        self._watcher: Watcher | None = None
        self._budget = _idle_budget
        self._spent = _Spent()
        self._choices: list[int] = []
        self._widths: list[int] = []
        self._descriptions: dict[int, str] = {}
        self._marks: list[int] = []
        self._is_pruned = False
        self._is_preparing = False
        self._step_count = 0
        self._run_count = 0
        self._step_limit = 0
        self._value: object = None
        self._value_failed = False
        self._blocker: sqlite3.Connection | None = None

    # Opening and closing ------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Patch the clocks, the ways out, aiosqlite's insides and asyncio's locks."""
        escapes.watch()
        self.thread_id = threading.get_ident()
        replacements = [
            *clock.replacements(self._judged),
            *escapes.replacements(),
            *seam.replacements(),
            *primitives.replacements(),
        ]
        for owner, name, replacement in replacements:
            self._patches.append(_Patch(owner, name, getattr(owner, name)))
            setattr(owner, name, replacement)
        gc.collect()
        gc.freeze()  # what is there before the first run need not be looked through after each
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Retire what still lives, and undo every patch."""
        for worker in self.workers:
            self.carrier.retire(worker)
        self.workers.clear()
        if self._blocker is not None:
            self._blocker.close()
            self._blocker = None
        self.loop.reset()
        self.loop.close()
        while self._patches:
            patch = self._patches.pop()
            setattr(patch.owner, patch.name, patch.original)
        gc.unfreeze()

    # Running --------------------------------------------------------------------------------

    def prepare(self, main: Callable[[], Awaitable[T]]) -> T:
        """Run ``main`` politely; what it opens lasts for the runs that follow."""
        self._is_preparing = True
        try:
            run = self.run(main, PoliteScheduler())
        finally:
            self._is_preparing = False
        self._lasting = list(self.workers)
        if run.error is not None:
            raise run.error
        if run.stuck is not None:
            raise StuckError(run.stuck)
        return run.value  # type: ignore[return-value]

    def run(
        self,
        main: Callable[[], Awaitable[T]],
        scheduler: Scheduler,
        budget: Budget = _idle_budget,
        *,
        main_is_neutral: bool = False,
    ) -> Run[T]:
        """Run ``main`` to its end under ``scheduler``.

        ``main_is_neutral`` promises that the main coroutine only starts actors and waits for all
        of them, so that the order in which they end does not matter to it.
        """
        self._reset(scheduler, budget)
        was_collecting = gc.isenabled()
        gc.disable()  # a finalizer at the collector's pleasure would be luck
        stuck: str | None = None
        error: BaseException | None = None
        value: T | None = None
        main_actor = self._make_actor("main", is_neutral=main_is_neutral)
        active.enter(self)
        try:
            scheduler.begin()
            task = main_actor.context.run(self._start_task, main_actor, main)
            try:
                value = self.loop.run_until_complete(task)
            except (StuckError, RunawayError) as problem:
                stuck = str(problem)
            except (KeyboardInterrupt, SystemExit, HarnessError):
                self._clean_up()
                raise
            except BaseException as problem:  # noqa: BLE001 - it is the outcome of the run
                error = problem
            self._end_watch()
            leaks = self._clean_up()
        finally:
            active.leave()
            if was_collecting:
                gc.enable()
        return Run(
            value=value,
            error=error,
            transcript=self.transcript,
            choices=tuple(self._choices),
            widths=tuple(self._widths),
            descriptions=self._descriptions,
            marks=tuple(self._marks),
            stuck=stuck,
            escapes=tuple(self.escapes),
            leaks=leaks,
            is_pruned=self._is_pruned,
            step_count=self._step_count,
        )

    def _reset(self, scheduler: Scheduler, budget: Budget) -> None:
        self._run_count += 1
        if self._run_count % RUNS_BETWEEN_COLLECTIONS == 0:
            gc.collect()
        self.loop.reset()
        self.transcript = Transcript()
        self.actors = []
        self.escapes = []
        self._scheduler = scheduler
        watches = hasattr(scheduler, "touched")
        self._watcher = scheduler if watches else None  # type: ignore[assignment]
        self.is_tracking = watches
        self._budget = budget
        self._spent = _Spent()
        self._choices, self._widths, self._descriptions = [], [], {}
        self._marks = []
        self._is_pruned = False
        self._step_count = 0
        self._step_limit = budget.step_limit
        self._last = self._outside
        self._leader, self._clock_leads = None, False
        self._quiet = None
        self._has_just_landed = False
        self._arrivals = []
        self.touched_read = self.touched_write = 0
        self._update_attention()

    def _clean_up(self) -> tuple[str, ...]:
        """Let what is left end politely; return the workers that do not."""
        self._scheduler, self._watcher = PoliteScheduler(), None
        self._budget = _idle_budget
        self.is_tracking = False
        self._update_attention()
        choices, widths, transcript = self._choices, self._widths, self.transcript
        self._choices, self._widths, self.transcript = [], [], Transcript()
        for _ in range(3):
            left = [task for task in asyncio.all_tasks(self.loop) if not task.done()]
            if not left and not self.loop.has_ready():
                break
            left.sort(key=lambda task: task.get_name())
            with contextlib.suppress(StuckError, RunawayError):
                self.loop.run_until_complete(_cancelled(left))
        self._choices, self._widths, self.transcript = choices, widths, transcript
        leaks = []
        for worker in list(self.workers):
            if self._is_preparing or worker in self._lasting:
                continue
            if seam.POLLS and worker.is_alive and not worker.queue.items:
                self._step_worker(worker)
            if worker.is_alive:
                leaks.append(worker.name)
                self.carrier.retire(worker)
            self.workers.remove(worker)
        return tuple(leaks)

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
        """Say that the running step uses memory that other actors use too."""
        self.touched_write |= footprints.SHARED

    def take_locks_for_shared(self) -> None:
        """Count every lock as shared from now on, whoever made it."""
        self._locks_are_shared = True

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

    def read_clock(self) -> float:
        """Return virtual seconds since the run began."""
        if self.is_tracking:
            self.touched_read |= footprints.CLOCK
        return self.loop.now_s

    def actor_now(self) -> Actor:
        """Return who is acting."""
        return ACTOR.get(self._outside)

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

    def submitted(self, worker: Worker, item: Any) -> None:
        """Take note of a submitted item; one that only stops the worker is run at once."""
        if seam.is_stop(item):
            if len(worker.queue.items) == 1 and self.loop.worker is None:
                self._run_stop(worker)
        else:
            self.actor_now().outstanding_count += 1

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
            self.loop.worker.native = connection

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

    # Deciding -------------------------------------------------------------------------------

    def runs(self, handle: asyncio.Handle) -> None:
        """Take note of whose callback runs next."""
        actor = handle._context.get(ACTOR)  # type: ignore[attr-defined]
        if actor is not None:
            self.touched_write |= actor.bit
            leader = self._leader
            if actor is not leader and actor.outstanding_count and self._watcher is not None:
                if self._clock_leads:
                    self._watcher.clock_interferes()
                elif leader is not None:
                    self._watcher.broken_assumption(
                        f"{leader.name} woke {actor.name}, who had a database call outstanding"
                    )

    def decide(self) -> None:
        """Let one thing happen; called when no callback is ready."""
        self._step_count += 1
        if self._step_count > self._step_limit:
            raise RunawayError(f"no end after {self._step_limit} steps.")
        options, subjects = self._outer_options()
        if not options:
            if self._quiet is None:
                raise StuckError(self._who_waits())
            self._quiet.set_result(None)
            self._quiet = None
            return
        if len(options) == 1 and self._watcher is None:
            chosen = 0
        else:
            chosen = self._choose(_new(Point, (options, False, subjects)))
        self._perform(options[chosen], subjects[chosen])

    def decide_at_ready(self) -> bool:
        """Return True to run the next callback; otherwise something else has happened."""
        if self._has_just_landed and not self._budget.callbacks_interleave:
            # Nothing has run since the landing: a cancellation here is one before the landing.
            self._has_just_landed = False
            return True
        head = self.loop.head()
        actor = head._context.get(ACTOR) if not head._cancelled else None  # type: ignore[attr-defined]
        options = [actor.ready_option if actor is not None else _NOBODY_READY]
        subjects: list[object] = [None]
        if self._budget.callbacks_interleave:
            more, about = self._outer_options(polite_clock=False)
            options += more
            subjects += about
        else:
            for each in self._can_be_cancelled():
                if each is actor or not each.outstanding_count:
                    options.append(each.cancel_option)
                    subjects.append(each)
        if len(options) == 1:
            return True
        self._step_count += 1
        if self._step_count > self._budget.step_limit:
            raise RunawayError(f"no end after {self._budget.step_limit} steps.")
        chosen = self._choose(_new(Point, (options, True, subjects)))
        if chosen == 0:
            return True
        self._perform(options[chosen], subjects[chosen])
        return False

    def _choose(self, point: Point) -> int:
        self._tell_watcher()
        n = len(point.options)
        try:
            if n == 1:
                if self._watcher is not None:
                    self._watcher.forced(point)
                return 0
            chosen = self._scheduler.choose(n, point)
        except PrunedRun:
            self._is_pruned = True
            self._scheduler, self._watcher = PoliteScheduler(), None
            self._budget = Budget(step_limit=self._budget.step_limit)
            self._update_attention()
            return 0
        if not 0 <= chosen < n:
            raise ValueError(f"the scheduler chose {chosen} among {n} options.")
        if chosen:
            self._descriptions[len(self._choices)] = point.describe(chosen)
            self._marks.append(len(self.transcript.events))
        self._choices.append(chosen)
        self._widths.append(n)
        return chosen

    def _tell_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.touched(_new(Footprint, (self.touched_read, self.touched_write)))
        self.touched_read = self.touched_write = 0

    def _end_watch(self) -> None:
        self._tell_watcher()
        try:
            if self._watcher is not None:
                self._watcher.end()
        except PrunedRun:
            self._is_pruned = True

    def _outer_options(self, *, polite_clock: bool = True) -> tuple[list[Option], list[object]]:
        """Return what can happen beside running a callback; first what the last actor can do."""
        last = self._last
        options: list[Option] = []
        subjects: list[object] = []
        place = 0  # where the last actor's own options go
        for arrival in self._arrivals:
            options.append(Option(Action.START, arrival[0].name, ""))
            subjects.append(arrival)
        for worker in self.workers:  # kept in the order of their names
            if worker.results:
                actor = worker.results[0][0]
                if actor is last:
                    options.insert(place, worker.land_option(actor))
                    subjects.insert(place, worker)
                    place += 1
                else:
                    options.append(worker.land_option(actor))
                    subjects.append(worker)
            if worker.queue.items:
                actor = worker.submitters[0]
                if actor is last:
                    options.insert(place, worker.call_option(actor))
                    subjects.insert(place, worker)
                    place += 1
                else:
                    options.append(worker.call_option(actor))
                    subjects.append(worker)
        if self.loop._scheduled:
            self._add_clock(options, subjects, polite_clock=polite_clock)
        if self._budget.cancellations:
            for actor in self._can_be_cancelled():
                options.append(actor.cancel_option)
                subjects.append(actor)
        if self._budget.overlaps and self._spent.overlaps < self._budget.overlaps:
            self._add_overlaps(options, subjects)
        if self._budget.fault_count and self._spent.faults < self._budget.fault_count:
            for fault in self._budget.faults:
                for actor in fault.actors(self):
                    options.append(Option(Action.FAULT, actor.name, fault.name))
                    subjects.append((fault, actor))
        return options, subjects

    def _add_clock(
        self, options: list[Option], subjects: list[object], *, polite_clock: bool
    ) -> None:
        is_early = bool(options) or not polite_clock
        has_budget = self._spent.early_clocks < self._budget.early_clocks
        if is_early and not has_budget:
            return
        times = self.loop.timer_times()
        if times:
            options.append(Option(Action.CLOCK, "", "early" if is_early else ""))
            subjects.append(times[0])
        if len(times) > 1 and has_budget:
            options.append(Option(Action.CLOCK, "", "late"))
            subjects.append(times[1])

    def _can_be_cancelled(self) -> Sequence[Actor]:
        if self._spent.cancellations >= self._budget.cancellations:
            return ()
        return [
            actor for actor in self.actors if actor.index and actor.task and not actor.task.done()
        ]

    def _add_overlaps(self, options: list[Option], subjects: list[object]) -> None:
        if any(worker.holds_lock for worker in self.workers):
            return  # then SQLite answers BUSY without our help
        pending = [worker for worker in self.workers if worker.queue.items]
        for writer in pending:
            call = seam.describe(writer.queue.items[0])
            if not footprints.is_lone_write(
                call.sql, in_transaction=seam.in_transaction(call.native)
            ):
                continue
            for worker in pending:
                if worker is not writer:
                    actor = worker.submitters[0]
                    options.append(Option(Action.FAULT, actor.name, f"overlap {writer.name}"))
                    subjects.append(worker)

    def _who_waits(self) -> str:
        waiting = [
            actor.name for actor in self.actors if actor.task is not None and not actor.task.done()
        ]
        return f"nothing can happen any more, and these still wait: {', '.join(waiting)}."

    def _update_attention(self) -> None:
        self.is_attentive = (
            self._budget.callbacks_interleave
            or self._spent.cancellations < self._budget.cancellations
        )

    # Performing -----------------------------------------------------------------------------

    def _perform(self, option: Option, subject: Any) -> None:
        action = option.action
        if action is Action.CALL:
            self._call(subject)
        elif action is Action.LAND:
            self._land(subject)
        elif action is Action.START:
            self._begin(subject)
        elif action is Action.CLOCK:
            self._move_clock(option.target, subject)
        elif option.target == "cancel":
            self._cancel(subject)
        elif isinstance(subject, Worker):
            self._overlap(option.target, subject)
        else:
            self._strike(*subject)

    def _call(self, worker: Worker) -> None:
        actor = worker.submitters[0]
        self._last = self._leader = actor
        self._clock_leads = False
        call = seam.describe(worker.queue.items[0])
        follows_locks = self.is_tracking or self._budget.overlaps
        was_in_transaction = seam.in_transaction(call.native) if follows_locks else False
        self._step_worker(worker)
        value, failed = self._value, self._value_failed
        self._value = None
        worker.submitters.popleft()
        text = _new(CallText, (worker.name, call.operation, call.sql, call.parameters))
        told = failure(value) if failed and isinstance(value, BaseException) else result_of(value)
        self.transcript.events.append(
            _new(Event, (self.loop.now_s, actor.name, Kind.CALL, text, told))
        )
        if follows_locks:
            touched = footprints.of_call(
                call.operation,
                call.sql,
                in_transaction=was_in_transaction,
                holds_lock=worker.holds_lock,
                failed=failed,
            )
            self.touched_read |= touched.read
            self.touched_write |= touched.written | actor.bit
            self._follow_lock(worker, call, was_in_transaction, failed=failed)
        if call.sql is not None and _BUSY_TIMEOUT.match(call.sql) and call.native is not None:
            self._hold_busy_timeout_at_zero(worker, call.native)
        del value
        items = worker.queue.items
        if items and seam.is_stop(items[0]):
            self._run_stop(worker)

    def _follow_lock(
        self, worker: Worker, call: seam.Call, was_in_transaction: bool, *, failed: bool
    ) -> None:
        is_in_transaction = seam.in_transaction(call.native)
        if not is_in_transaction:
            worker.holds_lock = False
        elif not failed and footprints.takes_write_lock(
            call.sql, in_transaction=was_in_transaction
        ):
            worker.holds_lock = True

    def _hold_busy_timeout_at_zero(self, worker: Worker, native: sqlite3.Connection) -> None:
        silence = partial(native.execute, "PRAGMA busy_timeout=0")
        worker.queue.items.appendleft(seam.throwaway(self.loop.create_future(), silence))
        worker.submitters.appendleft(self._outside)
        self._step_worker(worker)
        worker.submitters.popleft()
        worker.results.pop()
        self._value = None

    def _begin(self, arrival: tuple[Actor, asyncio.Future[None]]) -> None:
        actor, future = arrival
        self._arrivals.remove(arrival)
        self._last = self._leader = actor
        self._clock_leads = False
        actor.outstanding_count -= 1
        self.touched_write |= actor.bit
        self._has_just_landed = True
        self.loop.call_soon(_arrive, future, context=actor.context)

    def _land(self, worker: Worker) -> None:
        actor, handle, _ = worker.results.popleft()
        self._last = self._leader = actor
        self._clock_leads = False
        actor.outstanding_count -= 1
        self.touched_write |= actor.bit
        self.transcript.events.append(
            _new(Event, (self.loop.now_s, actor.name, Kind.LAND, worker.name, None))
        )
        self._has_just_landed = True
        self.loop.land(handle)
        self._forget_if_dead(worker)

    def _move_clock(self, how: str, until_s: float) -> None:
        self.loop.now_s = max(self.loop.now_s, until_s)
        self._leader = None
        self._clock_leads = True
        self.touched_write |= footprints.CLOCK
        if how:
            self._spent.early_clocks += 1
            self.touched_write |= footprints.CLOCK_BUDGET
        self.transcript.events.append(Event(self.loop.now_s, "", Kind.CLOCK, how or "next timer"))

    def _cancel(self, actor: Actor) -> None:
        self._spent.cancellations += 1
        self._leader, self._clock_leads = None, False
        self._update_attention()
        self.touched_write |= actor.bit | footprints.FAULT_BUDGET
        self.transcript.events.append(Event(self.loop.now_s, actor.name, Kind.FAULT, "cancel"))
        if actor.task is not None:
            actor.context.run(actor.task.cancel)

    def _overlap(self, what: str, worker: Worker) -> None:
        """Run a call while somebody else holds the write lock, as a write in full flight does."""
        self._spent.overlaps += 1
        self.touched_write |= footprints.OVERLAP_BUDGET | footprints.WRITE_LOCK | footprints.ROWS
        self.transcript.events.append(
            Event(self.loop.now_s, worker.submitters[0].name, Kind.FAULT, what)
        )
        blocker = self._open_blocker()
        blocker.execute("BEGIN IMMEDIATE")
        try:
            self._call(worker)
        finally:
            blocker.execute("ROLLBACK")

    def _open_blocker(self) -> sqlite3.Connection:
        if self._blocker is None:
            if self.database_path is None:
                raise RuntimeError("an overlap needs Simulation.database_path.")
            self.is_paused = True
            try:
                self._blocker = sqlite3.connect(self.database_path, isolation_level=None, timeout=0)
            finally:
                self.is_paused = False
        return self._blocker

    def _strike(self, fault: Fault, actor: Actor) -> None:
        self._spent.faults += 1
        self.transcript.events.append(Event(self.loop.now_s, actor.name, Kind.FAULT, fault.name))
        touched = fault.strike(self, actor)
        self.touched_read |= touched.read
        self.touched_write |= touched.written | actor.bit | footprints.FAULT_BUDGET

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told: Failure | None = failure(error) if isinstance(error, BaseException) else None
        name = self.actor_now().name
        message = context.get("message", "")
        self.transcript.events.append(Event(self.loop.now_s, name, Kind.LOOP_ERROR, message, told))


def _by_name(worker: Worker) -> tuple[int, str]:
    return len(worker.name), worker.name


def _arrive(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
