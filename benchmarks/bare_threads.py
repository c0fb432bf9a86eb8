"""The limits of the models: the same statements and hops, and nothing of ours.

Knows nothing of races, cancellation, errors or a fair end. What a model lacks to its limit is what
its promises cost; what the limit lacks to the raw loop is CPython's, asyncio's and SQLite's.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import aiosqlite

from benchmarks import ring
from benchmarks.ledger import Moved
from benchmarks.plain import SELECT, Parameters, writes
from benchmarks.subjects import OnRetry, Subject
from fsmcore import Synchronous

Statements = Sequence[tuple[str, Parameters]]
Connect = Callable[[], sqlite3.Connection]
Write = Callable[[sqlite3.Connection, Connect, Sequence[Statements]], None]


def each_alone(kept: sqlite3.Connection, _connect: Connect, asked: Sequence[Statements]) -> None:
    """Commit each transition on the connection that stays open."""
    for statements in asked:
        _commit(kept, [statements])


def each_afresh(_kept: sqlite3.Connection, connect: Connect, asked: Sequence[Statements]) -> None:
    """Commit each transition on a connection of its own."""
    for statements in asked:
        with contextlib.closing(connect()) as db:
            _commit(db, [statements])


def all_together(kept: sqlite3.Connection, _connect: Connect, asked: Sequence[Statements]) -> None:
    """Commit everything that waits at once."""
    if asked:
        _commit(kept, asked)


class BareThread:
    """One thread, one queue; all that is asked in a turn of the event loop is answered at once.

    Reads that wait together are of one snapshot.
    """

    def __init__(self, write: Write) -> None:
        """Open nothing yet."""
        self._write = write
        self._items: SimpleQueue[tuple[asyncio.Future[Any], Any] | None] = SimpleQueue()

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:  # noqa: ARG002 - never tries again
        """Start the thread."""
        connect = partial(_connected, path, synchronous)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve, args=(connect,), daemon=True)
        self._thread.start()

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row; see ``Subject``."""
        ((state, version, *_),) = await self._asked(key)
        await self._asked(writes(key, state, version, attempt_id))
        return Moved(state, ring.EDGE_FROM[state].target, version + 1)

    async def close(self) -> None:
        """End the thread."""
        self._items.put(None)
        self._thread.join()

    def _asked(self, what: object) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        self._items.put((future, what))
        return future

    def _serve(self, connect: Connect) -> None:
        with contextlib.closing(connect()) as kept:
            while (item := self._items.get()) is not None:
                batch = [item]
                while not self._items.empty() and (item := self._items.get()) is not None:
                    batch.append(item)
                asked = [(future, what) for future, what in batch if isinstance(what, str)]
                if asked[1:]:
                    kept.execute("BEGIN")
                reads = [(future, kept.execute(SELECT, (key,)).fetchall()) for future, key in asked]
                if asked[1:]:
                    kept.execute("ROLLBACK")
                rest = [(future, what) for future, what in batch if not isinstance(what, str)]
                self._write(kept, connect, [what for _, what in rest])
                self._loop.call_soon_threadsafe(_deliver, [*reads, *rest])


class BareErrands:
    """Reads on a kept connection of aiosqlite; a fresh one runs a transaction as it connects."""

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:  # noqa: ARG002 - never tries again
        """Open the kept connection."""
        self._path = path
        self._synchronous = synchronous
        self._kept = await aiosqlite.connect(path, isolation_level=None)
        self._turn = asyncio.Lock()

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row; see ``Subject``."""
        ((state, version, *_),) = await self._kept.execute_fetchall(SELECT, (key,))
        statements = writes(key, state, version, attempt_id)
        connection: aiosqlite.Connection

        def connector() -> Any:
            with contextlib.closing(_connected(self._path, self._synchronous)) as db:
                _commit(db, [statements])
            if not hasattr(connection, "stop"):
                return db
            connection.stop()
            return None

        async with self._turn:
            connection = aiosqlite.Connection(connector, 64)
            await connection
            if not hasattr(connection, "stop"):
                await connection.close()
        return Moved(state, ring.EDGE_FROM[state].target, version + 1)

    async def close(self) -> None:
        """Close the kept connection."""
        await self._kept.close()


LIMITS: Mapping[str, Callable[[], Subject]] = {
    "per-transition, bare": BareErrands,
    "direct, bare": partial(BareThread, each_afresh),
    "single-writer, bare": partial(BareThread, each_alone),
    "group-commit, bare": partial(BareThread, all_together),
}


def _connected(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA synchronous={synchronous.name}")
    return db


def _commit(db: sqlite3.Connection, asked: Sequence[Statements]) -> None:
    db.execute("BEGIN IMMEDIATE")
    for statements in asked:
        for statement, parameters in statements:
            if db.execute(statement, parameters).rowcount != 1:
                raise sqlite3.IntegrityError("a transition met another number of rows than one")
    db.execute("COMMIT")


def _deliver(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, answer in answers:
        future.set_result(answer)
