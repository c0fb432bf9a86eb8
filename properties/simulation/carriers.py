"""Who runs a worker's body: the search's own thread, a greenlet, or an OS thread of its own.

aiosqlite's worker loop runs unmodified on each of them, one item at a time and never beside
anything else, so all three leave the same transcript. Inline is the fastest and re-enters the body
for each call. A greenlet keeps the body's frame alive in between, and with it the last result, as
a thread does. Only a thread can show a call from the wrong one.
"""

from __future__ import annotations

import contextlib
import importlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from properties.simulation import active, footprints
from properties.simulation.scheduler import Action, Option
from properties.simulation.seam import (
    SubmissionQueue,
    _real_thread,
    describe,
    in_transaction,
    is_open,
)

if TYPE_CHECKING:
    import asyncio

    from properties.simulation.actor import Actor
    from properties.simulation.world import World


_new = tuple.__new__  # twice as fast as calling a NamedTuple


class Parked(BaseException):
    """Unwinds a body that has nothing to do."""


class Worker:
    """One aiosqlite worker: what was submitted, what is finished and not yet landed."""

    __slots__ = (
        "body",
        "call",
        "carried",
        "carrier",
        "granted",
        "holds_lock",
        "is_alive",
        "is_retired",
        "land",
        "maker",
        "may_write_later",
        "name",
        "native",
        "older_natives",
        "queue",
        "results",
        "simulation",
        "submitters",
        "used_in_run",
        "user",
    )

    def __init__(
        self,
        name: str,
        body: Callable[[], object],
        queue: SubmissionQueue,
        carrier: Carrier,
        simulation: World,
    ) -> None:
        self.name = name
        self.body = body
        self.queue = queue
        self.carrier = carrier
        self.simulation = simulation
        self.submitters: deque[Actor] = deque()
        self.results: deque[tuple[Actor, asyncio.Handle, str]] = deque()
        self.native: sqlite3.Connection | None = None
        self.older_natives: list[sqlite3.Connection] = []
        self.holds_lock = False
        self.may_write_later = False
        self.is_alive = True
        self.is_retired = False
        self.granted = False
        self.carried: Any = None
        self.maker = maker = simulation.actor_now()
        self.user = maker
        self.used_in_run = 0
        self.land = _new(Option, (Action.LAND, maker.name, name))
        self.call = _new(Option, (Action.CALL, maker.name, name))
        queue.worker = self
        for _ in queue.items:
            self.submitters.append(maker)

    def submitted(self, item: Any) -> None:
        """Take note of a new item."""
        actor = self.simulation.actor_now()
        self.submitters.append(actor)
        self.simulation.submitted(self, item, actor)

    def land_option(self, actor: Actor) -> Option:
        """Return the option of landing this worker's oldest result."""
        if actor is self.maker:
            return self.land
        return _new(Option, (Action.LAND, actor.name, self.name))

    def call_option(self, actor: Actor) -> Option:
        """Return the option of running this worker's next call."""
        if actor is self.maker:
            return self.call
        return _new(Option, (Action.CALL, actor.name, self.name))

    def next_call_text(self) -> str:
        """Return what the next call would do."""
        call = describe(self.queue.items[0])
        return " ".join(call.sql.split()) if call.sql is not None else call.operation

    def next_call_is_private(self) -> bool:
        """Return whether the next call touches nothing that other connections can see."""
        call = describe(self.queue.items[0])
        return not self.may_write_later and all(
            footprints.of_call(
                call.operation,
                call.sql,
                in_transaction=in_transaction(call.native),
                holds_lock=self.holds_lock,
                failed=failed,
            )
            in {footprints.NOTHING, footprints.LAYOUT_READ}
            for failed in (False, True)
        )

    def opened(self, native: sqlite3.Connection) -> None:
        """Take note of a connection. One that is open already, as a keeper is, stays known."""
        self.older_natives = [each for each in self.natives() if is_open(each)]
        self.native = native

    def natives(self) -> list[sqlite3.Connection]:
        """Return every connection that the body has opened and may not have closed, latest last."""
        return self.older_natives if self.native is None else [*self.older_natives, self.native]

    def close_natives(self) -> None:
        """Close what the body leaves behind, in the thread that opened it.

        A cancelled connect leaves a connection that nobody has used to the garbage collector,
        which would close it at its pleasure and, from Python 3.13 on, complain.
        """
        for native in reversed(self.natives()):
            with contextlib.suppress(sqlite3.Error):
                native.close()
        self.native, self.older_natives = None, []


class Carrier(Protocol):
    """Runs bodies, one item at a time."""

    @property
    def name(self) -> str:
        """Its name in options and records."""
        ...

    def start(self, worker: Worker) -> None:
        """Make the body ready to take its first item."""
        ...

    def step(self, worker: Worker) -> None:
        """Let the body take one item, and return when it asks for the next or has ended."""
        ...

    def wait(self, worker: Worker) -> None:
        """Called by the body's queue when nothing is granted; returns when one item is."""
        ...

    def retire(self, worker: Worker) -> None:
        """End a body that its owner left running, and close its native connection."""
        ...


class InlineCarrier:
    """Re-enters the body for each item, in the thread of the search."""

    name = "inline"

    def start(self, worker: Worker) -> None:
        """Do nothing: the body is entered when it is stepped."""

    def step(self, worker: Worker) -> None:
        """Enter the body; it leaves when it asks for an item again."""
        worker.granted = True
        try:
            worker.body()
        except Parked:
            return
        worker.is_alive = False
        worker.close_natives()

    def wait(self, worker: Worker) -> None:  # noqa: ARG002
        """Unwind: a step is one item."""
        raise Parked

    def retire(self, worker: Worker) -> None:
        """Close the connection; there is no frame to end."""
        worker.is_alive = False
        worker.close_natives()


class GreenletCarrier:
    """Keeps each body's frame in a greenlet."""

    name = "greenlet"

    def __init__(self) -> None:
        """Import greenlet; raises ImportError where it is not installed."""
        self._module: Any = importlib.import_module("greenlet")
        self._hub: Any = None

    def start(self, worker: Worker) -> None:
        """Make the greenlet; it enters the body when it is stepped."""
        worker.carried = self._module.greenlet(lambda: _run_to_end(worker))

    def step(self, worker: Worker) -> None:
        """Switch to the body and back."""
        worker.granted = True
        self._hub = self._module.getcurrent()
        worker.carried.parent = self._hub
        worker.carried.switch()

    def wait(self, worker: Worker) -> None:
        """Switch back until an item is granted."""
        while not worker.granted:
            self._hub.switch()
            if worker.is_retired:
                worker.close_natives()
                raise Parked

    def retire(self, worker: Worker) -> None:
        """Unwind the body."""
        worker.is_retired = True
        if worker.carried.dead or not worker.carried:
            worker.close_natives()
        else:
            self._hub = self._module.getcurrent()
            worker.carried.parent = self._hub
            worker.carried.switch()
        worker.is_alive = False


class _Baton:
    """Two locks that pass control between the search and one worker's thread."""

    __slots__ = ("back", "go", "thread")

    def __init__(self) -> None:
        self.go = threading.Lock()
        self.back = threading.Lock()
        self.go.acquire()
        self.back.acquire()
        self.thread: threading.Thread | None = None


class ThreadCarrier:
    """Gives each body an OS thread, in lock-step with the search."""

    name = "thread"

    def start(self, worker: Worker) -> None:
        """Start the thread, and return when it asks for its first item."""
        baton = worker.carried = _Baton()

        def main() -> None:
            active.join()
            try:
                _run_to_end(worker)
            finally:
                active.part()
                baton.back.release()

        baton.thread = _real_thread(target=main, daemon=True, name=f"carrier of {worker.name}")
        worker.simulation.is_paused = True  # starting this thread is no escape
        try:
            baton.thread.start()
        finally:
            worker.simulation.is_paused = False
        baton.back.acquire()

    def step(self, worker: Worker) -> None:
        """Hand over, and take back."""
        worker.granted = True
        self._swap(worker)

    def wait(self, worker: Worker) -> None:
        """Hand back until an item is granted."""
        worker.carried.back.release()
        worker.carried.go.acquire()
        if worker.is_retired:
            worker.close_natives()
            raise Parked

    def retire(self, worker: Worker) -> None:
        """Unwind the body and join its thread."""
        if worker.is_alive:
            worker.is_retired = True
            self._swap(worker)
        worker.carried.thread.join()
        worker.is_alive = False

    def _swap(self, worker: Worker) -> None:
        baton = worker.carried
        baton.go.release()
        baton.back.acquire()
        if not worker.is_alive:
            baton.thread.join()


def _run_to_end(worker: Worker) -> None:
    with contextlib.suppress(Parked):
        worker.body()
    worker.is_alive = False
    worker.close_natives()


def carrier(name: str) -> Carrier:
    """Return a carrier by name: inline, greenlet or thread."""
    makers: dict[str, Callable[[], Carrier]] = {
        "inline": InlineCarrier,
        "greenlet": GreenletCarrier,
        "thread": ThreadCarrier,
    }
    if name not in makers:
        raise ValueError(f"no carrier {name!r}; choose one of {', '.join(makers)}.")
    return makers[name]()
