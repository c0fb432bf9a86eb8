"""What several tests share: a door to the real connections, rows as SQLite sees them, counting."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsmcore import (
    EventCollector,
    FileTransitionManager,
    HandRolledAdapter,
    MachineFactory,
    RetryPolicy,
    StateMachineAdapter,
    Store,
)

ADAPTERS: dict[str, MachineFactory] = {
    "handrolled": HandRolledAdapter,
    "statemachine": StateMachineAdapter,
}
KEY = "reports/a.txt"
NO_WAITING = RetryPolicy(max_tries=3, base_ms=0, cap_ms=0)


@dataclass
class Connections:
    """Every native connection that was made, and hooks on the next ones."""

    opened: list[sqlite3.Connection] = field(default_factory=list)
    closed: list[sqlite3.Connection] = field(default_factory=list)
    on_open: Callable[[sqlite3.Connection], None] | None = None

    @property
    def open_count(self) -> int:
        """How many are open now."""
        return len(self.opened) - len(self.closed)

    @contextlib.contextmanager
    def prepared(self, hook: Callable[[sqlite3.Connection], None]) -> Iterator[None]:
        """Call ``hook`` on each connection made inside the block."""
        self.on_open = hook
        try:
            yield
        finally:
            self.on_open = None


@contextlib.contextmanager
def recorded_connections() -> Iterator[Connections]:
    """Count the connections that the standard library opens inside the block."""
    seen = Connections()
    connect = sqlite3.connect

    class Recorded(sqlite3.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            seen.opened.append(self)
            if seen.on_open is not None:
                seen.on_open(self)

        def close(self) -> None:
            super().close()
            if self not in seen.closed:
                seen.closed.append(self)

    def recording(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        asked = kwargs.pop("factory", None)
        # Behind the factory that was asked for, so that the hooks come before what it does.
        factory = Recorded if asked is None else type("Recorded", (asked, Recorded), {})
        made: sqlite3.Connection = connect(*args, factory=factory, **kwargs)
        return made

    sqlite3.connect = recording  # type: ignore[assignment]
    try:
        yield seen
    finally:
        sqlite3.connect = connect


def descriptors() -> list[str]:
    """Return which files this process has open; empty where /proc is not."""
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/self/fd/{name}")
                if target.startswith("/") and not target.startswith(("/dev", "/proc")):
                    found.append(target)
    return found


def settle_threads(names: set[int]) -> list[threading.Thread]:
    """Wait for every thread that is not in ``names`` to end; return those that do not."""
    late = [thread for thread in threading.enumerate() if thread.ident not in names]
    for thread in late:
        thread.join(timeout=2)
    return [thread for thread in late if thread.is_alive()]


@contextlib.asynccontextmanager
async def opened(
    path: Path,
    *,
    machine: MachineFactory = HandRolledAdapter,
    files: tuple[str, ...] = (KEY,),
    **options: Any,
) -> AsyncIterator[FileTransitionManager]:
    """Lend a manager on a new store with ``files`` tracked; its events are an EventCollector."""
    ids = iter(f"attempt-{number}" for number in range(1, sys.maxsize))
    store_names = ("connections", "schema", "retry")
    store_options = {name: options.pop(name) for name in store_names if name in options}
    async with Store(path, create=True, **store_options) as store:
        given: dict[str, Any] = {"events": EventCollector(), "new_attempt_id": lambda: next(ids)}
        manager = FileTransitionManager(store, machine=machine, **{**given, **options})
        for name in files:
            await manager.track(name)
        yield manager


def records(manager: FileTransitionManager) -> list[Any]:
    """Return the event records of a manager made by ``opened``."""
    events = manager._events
    assert isinstance(events, EventCollector)
    return events.records


def query(path: Path, text: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own, and commit."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        return db.execute(text, parameters).fetchall()


def state(path: Path, key: str = KEY) -> tuple[str, int]:
    """Return the state and version of a row, as SQLite alone sees them."""
    ((name, version),) = query(
        path, "SELECT gemini_state, version FROM files WHERE file_path = ?", key
    )
    return name, version


def journal_count(path: Path) -> int:
    """Return how many transitions are journalled."""
    ((count,),) = query(path, "SELECT count(*) FROM transitions")
    return int(count)


@contextlib.contextmanager
def held_write_lock(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold BEGIN IMMEDIATE from outside."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.rollback()


def can_be_written(path: Path) -> bool:
    """Say whether a second writer gets the write lock at once."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        db.execute("ROLLBACK")
        return True


@dataclass
class Steps:
    """Counts every suspension of every task made while it is the loop's task factory."""

    on_step: Callable[[int, asyncio.Future[Any] | None], None] = lambda _count, _future: None
    count: int = 0

    def factory(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Make a task whose suspensions count."""
        return asyncio.Task(_Watched(coroutine, self), loop=loop, **options)

    def step(self, future: asyncio.Future[Any] | None) -> None:
        """Count one suspension, on ``future``; None is a bare yield."""
        self.count += 1
        self.on_step(self.count, future)


class _Watched(Coroutine[Any, Any, Any]):
    """A coroutine that does the same and counts."""

    def __init__(self, inner: Coroutine[Any, Any, Any], steps: Steps) -> None:
        self._inner = inner
        self._steps = steps

    def send(self, value: Any) -> Any:
        future = self._inner.send(value)
        self._steps.step(future)
        return future

    def throw(self, *error: Any) -> Any:
        future = self._inner.throw(*error)
        self._steps.step(future)
        return future

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError("only a task runs it")
