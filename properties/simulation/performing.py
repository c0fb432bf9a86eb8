"""What happens: a call runs, a result lands, the clock moves, somebody arrives, a fault strikes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from properties.simulation import footprints, seam
from properties.simulation.actor import Actor
from properties.simulation.budget import Fault
from properties.simulation.carriers import Worker
from properties.simulation.options import Offering
from properties.simulation.scheduler import Action, Option
from properties.simulation.transcript import CallText, Event, Kind, failure, result_of

_BUSY_TIMEOUT = re.compile(r"\s*PRAGMA\s+(?:\w+\.)?busy_timeout", re.IGNORECASE)


@lru_cache(maxsize=512)
def _sets_busy_timeout(sql: str) -> bool:
    return _BUSY_TIMEOUT.match(sql) is not None


_new = tuple.__new__  # twice as fast as calling a NamedTuple, and these are made for each call


class Performing(Offering):
    """A world in which a chosen option happens."""

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
        came_of = seam.teller(worker.queue.items[0])
        self._step_worker(worker)
        value, failed = self._value, self._value_failed
        self._value = None
        if came_of is not None:
            value, failed = came_of()
        worker.submitters.popleft()
        operation, sql, parameters, native = call
        text = _new(CallText, (worker.name, operation, sql, parameters))
        told = failure(value) if failed and isinstance(value, BaseException) else result_of(value)
        self.transcript.events.append(
            _new(Event, (self.loop.now_s, actor.name, Kind.CALL, text, told))
        )
        if follows_locks:
            touched = footprints.of_call(
                operation,
                sql,
                in_transaction=was_in_transaction,
                holds_lock=worker.holds_lock,
                failed=failed,
            )
            self.touched_read |= touched.read
            self.touched_write |= touched.written | actor.bit
            if worker.submitters:
                self.touched_write |= worker.submitters[0].bit  # his call can run from now on
            if worker.may_write_later or footprints.may_write_later(operation, sql):
                self._follow_open_write(worker, actor, native)
            self._follow_lock(worker, call, was_in_transaction, failed=failed)
        if sql is not None and native is not None and _sets_busy_timeout(sql):
            self.in_worker(worker, partial(native.execute, "PRAGMA busy_timeout=0"))
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

    def _follow_open_write(
        self, worker: Worker, actor: Actor, native: sqlite3.Connection | None
    ) -> None:
        """Let all that an actor does be a write until SQLite says that none is open any more."""
        self.touched_read, self.touched_write = footprints.EVERYTHING
        worker.may_write_later = seam.in_transaction(native) or not self._lock_is_free()
        shared = footprints.ROWS | footprints.WRITE_LOCK
        # At any step he may drop the cursor, and that ends the write.
        actor.bit = actor.bit | shared if worker.may_write_later else actor.bit & ~shared

    def _lock_is_free(self) -> bool:
        if self.database_path is None:
            return False
        try:
            self._open_blocker().execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        self._open_blocker().execute("ROLLBACK")
        return True

    def in_worker(self, worker: Worker, function: Callable[[], object]) -> None:
        """Run something of ours in a worker's own thread, unseen by whoever uses it."""
        if not worker.is_alive:
            return
        worker.queue.items.appendleft(seam.throwaway(self.loop.create_future(), function))
        worker.submitters.appendleft(self._outside)
        self._step_worker(worker)
        worker.submitters.popleft()
        worker.results.pop()
        self._value = None

    def call(self, worker: Worker) -> None:
        """Run a worker's next call, as a choice of it would."""
        self._call(worker)

    def die(self) -> None:
        """Let the process that is simulated die; what lasts between runs is not of it."""
        death, self._death = self._death, None
        if death is None:
            raise RuntimeError("nobody waits for the process's death; see World.death.")
        dead = [actor for actor in self.actors if actor.index > 0]
        for actor in dead:
            actor.is_dead = True
        # Results under way wait with their workers until the run is over: see Simulation._clean_up.
        for worker in [each for each in self.workers if each not in self._lasting]:
            for native in worker.natives():
                self.in_worker(worker, native.close)
            worker.holds_lock = False
            self.workers.remove(worker)
            self._dead.append(worker)
        self._arrivals.clear()
        self.loop.forget_timers(dead)
        self._last = self.actors[0]
        death.set_result(None)

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
        if worker.results:
            self.touched_write |= worker.results[0][0].bit  # his result can land from now on
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
        with contextlib.suppress(sqlite3.OperationalError):  # a write that we did not see holds it
            blocker.execute("BEGIN IMMEDIATE")
        try:
            self._call(worker)
        finally:
            blocker.rollback()

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


def _arrive(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
