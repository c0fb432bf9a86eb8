"""The only file that knows the insides of aiosqlite: 0.17 … 0.22, or a refusal.

What all seven releases share: an operation is an item ``(future, function)`` put into ``_tx``; a
worker takes items in order, runs them, and hands each result back through
``future.get_loop().call_soon_threadsafe(set_result or set_exception, future, value)``. What
differs, and is evened out here: the name of the queue's class (``Queue`` up to 0.19), whether the
connection *is* the thread (up to 0.21), and the item that stops the worker (none, a bare
sentinel, or a call of its own).
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version as distribution_version
from queue import Empty
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import aiosqlite
import aiosqlite.core as core

from properties.simulation import active

if TYPE_CHECKING:
    from properties.simulation.carriers import Worker

KNOWN_VERSIONS = ("0.17", "0.18", "0.19", "0.20", "0.21", "0.22")

core_names: Any = core


class UnknownAiosqliteError(Exception):
    """This aiosqlite has insides that nobody has looked at."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(
            f"aiosqlite {version}: the simulation knows the worker and queue of "
            f"{KNOWN_VERSIONS[0]} to {KNOWN_VERSIONS[-1]}. Compare aiosqlite/core.py with the "
            "docstring of properties/simulation/seam.py, then add the version there."
        )


def require_known_version(version: str | None = None) -> str:
    """Return the version of the aiosqlite that is installed, or refuse it with a sentence."""
    if version is None:
        version = getattr(aiosqlite, "__version__", None) or distribution_version("aiosqlite")
    if ".".join(version.split(".")[:2]) not in KNOWN_VERSIONS:
        raise UnknownAiosqliteError(version)
    return version


class SubmissionQueue:
    """Stands in for aiosqlite's queue: putting never blocks, getting asks the schedule."""

    __slots__ = ("items", "worker")

    def __init__(self) -> None:
        self.items: deque[Any] = deque()
        self.worker: Worker | None = None

    def put_nowait(self, item: Any) -> None:
        """Submit; called on the event loop."""
        self.items.append(item)
        if self.worker is not None:
            self.worker.submitted(item)

    put = put_nowait

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Wait for the schedule to grant the next item; called by the worker's body."""
        worker = self.worker
        if worker is None:
            raise RuntimeError("a queue of the simulation was read without a worker.")
        if not worker.granted:
            worker.carrier.wait(worker)
        worker.granted = False
        if not self.items:
            raise Empty
        return self.items.popleft()

    def empty(self) -> bool:
        """Return whether nothing is submitted."""
        return not self.items

    def qsize(self) -> int:
        """Return how many items are submitted."""
        return len(self.items)


class Call(NamedTuple):
    """An item, taken apart: what will be called, and on which native connection."""

    operation: str
    sql: str | None
    parameters: object
    native: sqlite3.Connection | None


@runtime_checkable
class Described(Protocol):
    """A call that says by itself what it will do: those of fsmcore's own threads."""

    @property
    def sql(self) -> str:
        """All its statements."""

    @property
    def parameters(self) -> object:
        """What is bound to them."""

    @property
    def native(self) -> sqlite3.Connection | None:
        """The connection that it will run on, if that is open yet."""


STOP = Call("stop", None, None, None)
CONNECT = Call("connect", None, None, None)


def describe(item: Any) -> Call:
    """Say what a submitted item is, without running it."""
    if not isinstance(item, tuple):
        return STOP
    function = item[1]
    if isinstance(function, Described):
        return tuple.__new__(
            Call, ("hop", function.sql, function.parameters or None, function.native)
        )
    if not isinstance(function, partial):
        name = getattr(function, "__name__", "")
        return STOP if name in {"close_and_stop", "<lambda>"} else CONNECT
    bound, arguments = function.func, function.args
    name = getattr(bound, "__name__", type(bound).__name__)
    owner = getattr(bound, "__self__", None)
    native: sqlite3.Connection | None = None
    if isinstance(owner, sqlite3.Connection):
        native = owner
    elif isinstance(owner, sqlite3.Cursor):
        native = owner.connection
    elif owner is not None:
        native = getattr(owner, "_connection", None)
    elif not arguments and name == "<lambda>":
        return STOP
    name = name.removeprefix("_execute_")
    if not arguments or not isinstance(arguments[0], str):
        return tuple.__new__(Call, (name, None, None, native))
    parameters = arguments[1] if len(arguments) > 1 else None
    return tuple.__new__(Call, (name, arguments[0], parameters, native))


def teller(item: Any) -> Callable[[], tuple[object, bool]] | None:
    """Return what tells, after the call, what came of it, where that is not what it returns."""
    return getattr(item[1], "came_of", None) if isinstance(item, tuple) else None


def in_transaction(native: sqlite3.Connection | None) -> bool:
    """Return whether a native connection is inside a transaction; False when it is closed."""
    if native is None:
        return False
    try:
        return native.in_transaction
    except sqlite3.ProgrammingError:  # closed
        return False


def is_open(native: sqlite3.Connection) -> bool:
    """Return whether nobody has closed a native connection yet."""
    try:
        native.in_transaction  # noqa: B018 - raises when it is closed
    except sqlite3.ProgrammingError:
        return False
    return True


def is_stop(item: Any) -> bool:
    """Return whether an item only ends the worker: not worth a choice of its own."""
    if not isinstance(item, tuple):
        return True
    function = item[1]
    if type(function) is not partial:
        return getattr(function, "__name__", "") == "close_and_stop"
    if function.args:
        return False
    name = getattr(function.func, "__qualname__", "")  # 0.22.0 stops with a partial of a lambda
    return bool(name.startswith("Connection._stop_running."))


def throwaway(future: Any, function: Callable[[], object]) -> Any:
    """Return an item of ours, whose result nobody awaits."""
    return (future, function)


def unheard(item: Any) -> Any:
    """Return a stop whose end nobody is told of, as one is that was asked for outside of a loop."""
    return (None, item[1]) if isinstance(item, tuple) else item


def is_failure(callback: Callable[..., object]) -> bool:
    """Return whether a completion hands back an exception."""
    return getattr(callback, "__name__", "") == "set_exception"


class _WorkerThread:
    """Stands in for ``threading.Thread`` in aiosqlite 0.22: starting it asks the simulation."""

    def __init__(self, body: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._body = body
        self._arguments = arguments
        self._worker: Worker | None = None
        self.name = "aiosqlite worker"
        self.daemon = False
        self.ident: int | None = None

    def start(self) -> None:
        simulation = active.running()
        if simulation is None:
            raise RuntimeError("a connection made in a simulation was started outside of it.")
        queue = next(each for each in self._arguments if isinstance(each, SubmissionQueue))
        self._worker = simulation.add_worker(partial(self._body, *self._arguments), queue)

    def is_alive(self) -> bool:
        return self._worker is not None and self._worker.is_alive

    def join(self, timeout: float | None = None) -> None:  # noqa: ARG002
        return None


_real_thread = threading.Thread
_real_connect = sqlite3.connect
_real_start: Callable[[Any], None] | None = getattr(core.Connection, "start", None)
POLLS = not hasattr(core, "SimpleQueue")
"""Whether a worker looks at its queue every 0.1 s, and ends by finding it empty (up to 0.19)."""

_queue_name = "SimpleQueue" if hasattr(core, "SimpleQueue") else "Queue"
_real_queue: Callable[[], Any] = getattr(core, _queue_name)


def _make_queue() -> Any:
    return _real_queue() if active.running() is None else SubmissionQueue()


def _make_thread(*positional: Any, **named: Any) -> Any:
    if active.running() is None:
        return _real_thread(*positional, **named)
    return _WorkerThread(named["target"], tuple(named.get("args", ())))


def _start(connection: Any) -> None:
    """Stand in for ``Connection.start`` up to 0.21, where the connection is the thread."""
    simulation = active.running()
    if simulation is None or not isinstance(connection._tx, SubmissionQueue):
        if _real_start is not None:
            _real_start(connection)
    else:
        simulation.add_worker(connection.run, connection._tx)


def _connect(*positional: Any, **named: Any) -> Any:
    """Open with SQLite's own waiting off, so that a held lock is an event the schedule sees."""
    simulation = active.running()
    if simulation is None or not simulation.is_in_worker:
        return _real_connect(*positional, **named)
    named["timeout"] = 0.0
    connection = _real_connect(*positional, **named)
    simulation.opened(connection)
    return connection


def replacements() -> Iterator[tuple[object, str, object]]:
    """Yield (owner, name, replacement) for everything that has to be stood in for."""
    require_known_version()
    yield core, _queue_name, _make_queue
    if hasattr(core.Connection, "start"):
        yield core.Connection, "start", _start
    else:
        yield core, "Thread", _make_thread
    yield sqlite3, "connect", _connect
