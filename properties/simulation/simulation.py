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
import gc
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from properties.simulation import active, clock, escapes, primitives, seam
from properties.simulation.budget import Budget, Spent
from properties.simulation.deciding import Deciding
from properties.simulation.loop import SimulationLoop
from properties.simulation.run import Run, RunawayError, StuckError
from properties.simulation.scheduler import HarnessError, Scheduler
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.transcript import Event, Failure, Kind, Transcript, failure
from properties.simulation.world import IDLE_BUDGET

T = TypeVar("T")

RUNS_BETWEEN_COLLECTIONS = 64
RUNS_BETWEEN_FULL_COLLECTIONS = 1024


@dataclass(slots=True)
class _Patch:
    owner: object
    name: str
    original: object


class Simulation(Deciding):
    """A world with its own loop, clock and workers. Open it with ``with``; one runs at a time.

    ``judged`` names further packages whose ``datetime`` must follow the virtual clock.
    """

    def __init__(self, *, carrier_name: str = "inline", judged: tuple[str, ...] = ()) -> None:
        """Patch nothing yet; raises ``UnknownAiosqliteError`` for insides nobody has looked at."""
        seam.require_known_version()
        super().__init__(carrier_name)
        self.loop = SimulationLoop(self)
        self.loop.set_exception_handler(self._on_loop_error)
        self._judged = judged
        self._patches: list[_Patch] = []
        self._was_collecting = False

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
        # A finalizer at the collector's pleasure would be luck. Off between runs too: switched on
        # for a moment, it would go through all that the last run left.
        self._was_collecting = gc.isenabled()
        gc.disable()
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
        if self._was_collecting:
            gc.enable()

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
        budget: Budget = IDLE_BUDGET,
        *,
        main_is_neutral: bool = False,
    ) -> Run[T]:
        """Run ``main`` to its end under ``scheduler``.

        ``main_is_neutral`` promises that the main coroutine only starts actors and waits for all
        of them, so that the order in which they end does not matter to it.
        """
        self._reset(scheduler, budget)
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
        return Run(
            value=value,
            error=error,
            transcript=self.transcript,
            choices=tuple(self._choices),
            widths=tuple(self._widths),
            switches=self._switches,
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
            # What outlived one collection is the search's own, and looked through seldom.
            is_full = self._run_count % RUNS_BETWEEN_FULL_COLLECTIONS == 0
            gc.collect(2 if is_full else 1)
        self.loop.reset()
        self.transcript = Transcript()
        self.actors = []
        self.escapes = []
        self._scheduler = scheduler
        watches = hasattr(scheduler, "touched")
        self._watcher = scheduler if watches else None  # type: ignore[assignment]
        self.is_tracking = watches
        self._budget = budget
        self._spent = Spent()
        self._choices, self._widths, self._switches = [], [], {}
        self._marks = []
        self._is_pruned = False
        self._step_count = 0
        self._step_limit = budget.step_limit
        self._last = self._outside
        self._leader, self._clock_leads = None, False
        self._quiet = None
        self._has_just_landed = False
        self._arrivals = []
        self._death = None
        self.wall_offset_s, self.wall_stopped_s = 0.0, None
        self.touched_read = self.touched_write = 0
        for worker in self.workers:
            worker.may_write_later = False  # no cursor outlives its run
        self._update_attention()

    def _clean_up(self) -> tuple[str, ...]:
        """Let what is left end politely; return the workers that do not."""
        self._scheduler, self._watcher = PoliteScheduler(), None
        self._budget = IDLE_BUDGET
        self.is_tracking = False
        self._update_attention()
        self._death = None
        dead, self._dead = self._dead, []
        self.workers += dead  # their calls fail now, which lets the tasks of the dead end
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
                if worker not in dead:
                    leaks.append(worker.name)
                self.carrier.retire(worker)
            self.workers.remove(worker)
        for actor in self.actors:
            # Its context names the actor again: a circle that only the collector would undo.
            actor.task, actor.context = None, self._outside.context
        return tuple(leaks)

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told: Failure | None = failure(error) if isinstance(error, BaseException) else None
        name = self.actor_now().name
        message = context.get("message", "")
        self.transcript.events.append(Event(self.loop.now_s, name, Kind.LOOP_ERROR, message, told))


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
