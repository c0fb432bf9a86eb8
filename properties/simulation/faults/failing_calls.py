"""One call is answered by SQLite with an error of its own.

The means are set in the thread of the connection right before the call, and taken back right
after, so that exactly this call meets them:

- *interrupted*: a progress handler (https://sqlite.org/c3ref/progress_handler.html) stops the
  call at its first step of the virtual machine;
- *interrupted late*: at its third step, which is COMMIT's last: that commit is durable, and raises
  all the same. Only SQLite can make this one;
- *denied*: an authorizer (https://sqlite.org/c3ref/set_authorizer.html) refuses whatever it is
  asked; a COMMIT that was refused leaves its transaction open;
- *full*: ``max_page_count`` is the file's size, so that whoever needs one more page gets FULL.

A whole transaction that is one call can be interrupted at its beginning; late, and denied, is its
COMMIT. If it opens a connection of its own, the means are set as that opens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from properties.simulation import footprints, seam

if TYPE_CHECKING:
    from properties.simulation.actor import Actor
    from properties.simulation.carriers import Worker
    from properties.simulation.performing import Performing
    from properties.simulation.scheduler import Footprint
    from properties.simulation.world import World

NO_PAGE_LIMIT = 1_073_741_823
LAST_STEP_OF_COMMIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingCall:
    """An actor's next call meets ``set_up``; ``take_back`` ends it. Both get the connection."""

    name: str
    set_up: Callable[[sqlite3.Connection], object]
    take_back: Callable[[sqlite3.Connection], object]
    set_up_whole: Callable[[sqlite3.Connection], object] | None = None
    """Where it differs for a call that is a whole transaction."""

    def actors(self, simulation: World) -> Iterable[Actor]:
        """Return who has a call submitted, on a connection that is open or comes with it."""
        found = [actor for actor in simulation.actors if _next_call(simulation, actor) is not None]
        return [actor for actor in found if actor.index > 0]

    def strike(self, simulation: Performing, actor: Actor) -> Footprint:
        """Run the call under the fault; what it touched, the call itself says."""
        found = _next_call(simulation, actor)
        if found is None:
            raise RuntimeError(f"{actor.name} has no call to fail.")
        worker, native, is_whole = found
        set_up = (is_whole and self.set_up_whole) or self.set_up
        if native is None:
            with simulation.as_it_opens(set_up):
                simulation.call(worker)
            return footprints.NOTHING
        simulation.in_worker(worker, partial(set_up, native))
        try:
            simulation.call(worker)
        finally:
            simulation.in_worker(worker, partial(self.take_back, native))
        return footprints.NOTHING


def _next_call(
    simulation: World, actor: Actor
) -> tuple[Worker, sqlite3.Connection | None, bool] | None:
    for worker in simulation.workers:
        if worker.queue.items and worker.submitters[0] is actor:
            call = seam.describe(worker.queue.items[0])
            is_whole = footprints.is_whole(call.sql)
            if is_whole and call.native is None:
                return worker, None, True
            native = call.native or worker.native
            if native is not None and _is_open(native) and not seam.is_stop(worker.queue.items[0]):
                return worker, native, is_whole
    return None


def _interrupt(native: sqlite3.Connection, *, at: int, within: str = "") -> None:
    seen = 0
    counts = not within

    def step() -> bool:
        nonlocal seen
        seen += counts
        return seen >= at

    def begins(statement: str) -> None:
        nonlocal counts
        counts = statement == within

    if within:
        native.set_trace_callback(begins)
    native.set_progress_handler(step, 1)


def _let_run(native: sqlite3.Connection) -> None:
    if _is_open(native):
        native.set_progress_handler(None, 0)
        native.set_trace_callback(None)


def _deny(native: sqlite3.Connection) -> None:
    native.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)


def _deny_commit(native: sqlite3.Connection) -> None:
    commit = (sqlite3.SQLITE_TRANSACTION, "COMMIT")
    native.set_authorizer(lambda action, first, *_: int((action, first) == commit))


def _allow(native: sqlite3.Connection) -> None:
    if _is_open(native):
        native.set_authorizer(None)


def _fill(native: sqlite3.Connection) -> None:
    ((count,),) = native.execute("PRAGMA page_count").fetchall()
    native.execute(f"PRAGMA max_page_count={count}").fetchall()


def _make_room(native: sqlite3.Connection) -> None:
    if _is_open(native):
        native.execute(f"PRAGMA max_page_count={NO_PAGE_LIMIT}").fetchall()


def _is_open(native: sqlite3.Connection) -> bool:
    try:
        return native.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


INTERRUPTED = FailingCall(name="interrupted", set_up=partial(_interrupt, at=1), take_back=_let_run)
INTERRUPTED_LATE = FailingCall(
    name="interrupted late",
    set_up=partial(_interrupt, at=LAST_STEP_OF_COMMIT),
    take_back=_let_run,
    set_up_whole=partial(_interrupt, at=LAST_STEP_OF_COMMIT, within="COMMIT"),
)
DENIED = FailingCall(name="denied", set_up=_deny, take_back=_allow, set_up_whole=_deny_commit)
FULL = FailingCall(name="full", set_up=_fill, take_back=_make_room)
