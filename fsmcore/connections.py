"""Opening and closing SQLite connections: the only import of aiosqlite.

What aiosqlite 0.17 … 0.22, CPython and SQLite do, and what is done about it here:

* A cancelled ``connect()`` leaves the native connection to the garbage collector, and up to 0.20
  a thread for ever: a connect runs to its end, whoever is cancelled meanwhile.
* A call handed to the worker thread runs even when its caller is cancelled, COMMIT included. So
  the fate of a transaction is what was *sent*, and a rollback queued behind it settles it.
* ``Connection.close()`` with an unfinished cursor leaves a zombie that keeps the write lock:
  every read is fetched to its end in the call that began it, and every close rolls back first,
  in the connection's own thread and in the same hop (``native``).
* When the last connection closes, SQLite checkpoints and unlinks the WAL. An idle *keeper*
  spares each transition that (67 against 849 transitions a second).
* ``sqlite_errorcode`` is the extended code; MemoryError is no ``sqlite3.Error``.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import aiosqlite

from fsmcore.cancellation import finish
from fsmcore.errors import DefinitionError, FsmCoreError, StoreUnavailableError
from fsmcore.native import Preparation, PreparedConnection, require_wal
from fsmcore.native import Synchronous as Synchronous  # its name is used from here too
from fsmcore.sqlite import (
    database_uri,
    describe,
    primary_code,
    refuse_unusable,
    translate,
    translated,
)
from fsmcore.text import shown

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from types import TracebackType

T = TypeVar("T")
Row = tuple[Any, ...]

_log = logging.getLogger("fsmcore")

_NO_LOCK = contextlib.nullcontext()


class CommitFate(enum.Enum):
    """How far a transaction got. SENT is the unknown one: COMMIT is out, no answer came back."""

    NOT_SENT = "not sent"
    SENT = "sent"
    COMMITTED = "committed"


@dataclass(slots=True)
class Receipt:
    """Carries the fate of one transaction out of any exception, cancellation included."""

    fate: CommitFate = CommitFate.NOT_SENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One statement of a transaction, and the row count without which all of it is undone."""

    sql: str
    parameters: tuple[object, ...] = ()
    row_count: int = 1


class RowCountError(FsmCoreError):
    """A write met another number of rows than it must; its transaction was rolled back."""

    def __init__(self, write_index: int, row_count: int) -> None:
        self.write_index = write_index
        self.row_count = row_count
        super().__init__(f"write {write_index} of the transaction met {row_count} rows.")


class CommitFailedError(FsmCoreError):
    """COMMIT was sent and failed with anything but BUSY: committed or not, nobody knows yet."""

    outcome_unknown = True

    def __init__(self, name: str, cause: str) -> None:
        self.cause = cause
        super().__init__(
            f"{name}: outcome unknown: COMMIT was sent and failed ({cause}). Read before you retry."
        )


class Session(Protocol):
    """One transition's use of the database: a few reads, then at most one transaction."""

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return every row. Nothing stays open after, so no snapshot is pinned."""
        ...

    async def fetch_exclusively(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return every row, read while nobody can be writing."""
        ...

    async def commit(self, writes: Sequence[Write], receipt: Receipt) -> None:
        """Run ``writes`` in one ``BEGIN IMMEDIATE`` transaction, or none of them.

        Safe to cancel before COMMIT is sent; after, ``receipt`` says SENT.
        """
        ...


Prepare = Callable[[Session], Awaitable[None]]


class ConnectionModel(Protocol):
    """How a store gets its connections. Owned by the store, which opens and closes it."""

    @property
    def synchronous(self) -> Synchronous:
        """What a commit of this model waits for."""
        ...

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Make ready; leaves nothing open when it raises.

        ``prepare`` runs on the first connection, before the model changes anything in the file:
        a database that it refuses stays as it was, its journal mode included.
        """
        ...

    async def close(self) -> None:
        """Give everything back. May be repeated."""
        ...

    def session(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """Lend a session for the block."""
        ...


class PerTransition:
    """A fresh aiosqlite connection for each transition, beside an idle keeper. The default.

    ``fair_writer_lock`` lets the tasks of this process take turns at BEGIN, first come first
    served, instead of meeting SQLITE_BUSY; other processes are met by the retry policy.
    ``busy_timeout_ms`` is SQLite's own waiting, which polls and is unfair: 0 leaves it out.
    """

    def __init__(
        self,
        *,
        synchronous: Synchronous = Synchronous.FULL,
        busy_timeout_ms: int = 0,
        fair_writer_lock: bool = True,
    ) -> None:
        """Raise ``DefinitionError`` for options that cannot be meant; opens nothing."""
        if not isinstance(synchronous, Synchronous):
            raise DefinitionError(
                f"synchronous is {synchronous!r}; give Synchronous.FULL or another member."
            )
        if busy_timeout_ms < 0:
            raise DefinitionError(f"busy_timeout_ms is {busy_timeout_ms}; 0 is the least.")
        self._synchronous = synchronous
        self._busy_timeout_ms = busy_timeout_ms
        self._fair_writer_lock = fair_writer_lock
        self._writer_lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._uri = ""
        self._name = "store"
        self._keeper: aiosqlite.Connection | None = None

    @property
    def synchronous(self) -> Synchronous:
        """What a commit waits for."""
        return self._synchronous

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Open the keeper and enter WAL mode; see ``ConnectionModel.open``."""
        if self._loop is not None:
            raise StoreUnavailableError(f"{self._name}: already open; one model serves one store.")
        self._name = shown(os.path.basename(path))
        refuse_unusable(path, create=create)
        self._loop = asyncio.get_running_loop()  # before the first await: nobody else opens now
        self._writer_lock = asyncio.Lock() if self._fair_writer_lock else None
        try:
            self._uri = database_uri(path, mode="rwc" if create else "rw")
            keeper = await self._opened()
            try:
                session = self._used_by(keeper)
                # Until the WAL is there a rollback journal guards the file, and NORMAL syncs its
                # header and its pages at once: a power loss that tears a page where the sampled
                # checksum does not look would roll that page back over a sound database.
                waits_less = self._synchronous is Synchronous.NORMAL
                if waits_less:
                    await session.fetch("PRAGMA synchronous=FULL")
                await prepare(session)
                ((journal_mode,),) = await session.fetch("PRAGMA journal_mode=WAL")
                require_wal(journal_mode, self._name)
                if waits_less:
                    await session.fetch(f"PRAGMA synchronous={self._synchronous.name}")
                await session.fetch("PRAGMA schema_version")  # the first read is what opens the WAL
            except BaseException:
                await finish(_close(keeper))
                raise
        except BaseException:
            self._loop = None
            raise
        self._uri = database_uri(path, mode="rw")  # from here on a missing file is an error
        self._keeper = keeper

    async def close(self) -> None:
        """Close the keeper; the last connection's close checkpoints and removes the WAL.

        Attempts under way keep their own connections and end as they would have.
        """
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            try:
                await finish(_close(keeper))
            finally:
                self._loop = None

    def session(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """Lend a fresh connection; it is rolled back and closed whatever happens."""
        return _Lending(self)

    async def _lend(self) -> aiosqlite.Connection:
        if self._keeper is None:
            raise StoreUnavailableError(f"{self._name}: not open; use 'async with'.")
        if self._loop is not asyncio.get_running_loop():
            raise StoreUnavailableError(
                f"{self._name}: opened in another event loop; open a store in each."
            )
        return await self._opened()

    def _used_by(self, connection: aiosqlite.Connection) -> _AioSession:
        return _AioSession(connection, self._name, self._writer_lock)

    async def _opened(self) -> aiosqlite.Connection:
        opening = asyncio.ensure_future(self._connect())
        try:
            return await finish(opening)
        except asyncio.CancelledError:
            if not opening.cancelled() and opening.exception() is None:
                await finish(_close(opening.result()))
            raise

    async def _connect(self) -> aiosqlite.Connection:
        preparation = Preparation(
            store_name=self._name,
            synchronous=self._synchronous,
            requires_wal=self._keeper is not None,
        )
        with translated(self._name):
            connection = await aiosqlite.connect(
                self._uri,
                uri=True,
                isolation_level=None,
                timeout=self._busy_timeout_ms / 1000,
                factory=PreparedConnection,
                preparation=preparation,
            )
        error = preparation.take_error()
        if error is not None:
            await finish(_close(connection))
            with translated(self._name):
                raise error
        return connection


class _Lending:
    """A connection for one block. A class, because a generator would cost twice as much."""

    __slots__ = ("_connection", "_model")

    def __init__(self, model: PerTransition) -> None:
        self._model = model
        self._connection: aiosqlite.Connection | None = None

    async def __aenter__(self) -> Session:
        self._connection = connection = await self._model._lend()
        return self._model._used_by(connection)

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await finish(_close(connection))


class _AioSession:
    """A session on one aiosqlite connection, which the model closes."""

    __slots__ = ("_connection", "_name", "_writer_lock")

    def __init__(
        self, connection: aiosqlite.Connection, name: str, writer_lock: asyncio.Lock | None
    ) -> None:
        self._connection = connection
        self._name = name
        self._writer_lock = writer_lock

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with translated(self._name):
            rows: list[Row] = list(await self._connection.execute_fetchall(sql, parameters))  # type: ignore[arg-type]
            return rows

    async def fetch_exclusively(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        async with self._writer_lock or _NO_LOCK:
            return await self._undone_on_error(self._fetch_exclusively(sql, parameters))

    async def _fetch_exclusively(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        with translated(self._name):
            await self._connection.execute("BEGIN IMMEDIATE")
        rows = await self.fetch(sql, parameters)
        await _roll_back(self._connection)
        return rows

    async def commit(self, writes: Sequence[Write], receipt: Receipt) -> None:
        async with self._writer_lock or _NO_LOCK:
            await self._undone_on_error(self._send(writes, receipt))

    async def _undone_on_error(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except BaseException:
            # Before the lock is released and before the close, so that nobody meets a
            # transaction that its owner has given up.
            await finish(_roll_back(self._connection))
            raise

    async def _send(self, writes: Sequence[Write], receipt: Receipt) -> None:
        with translated(self._name):
            await self._connection.execute("BEGIN IMMEDIATE")
            for index, write in enumerate(writes):
                cursor = await self._connection.execute(write.sql, write.parameters)
                if cursor.rowcount != write.row_count:
                    raise RowCountError(index, cursor.rowcount)
        receipt.fate = CommitFate.SENT
        try:
            await self._connection.execute("COMMIT")
        except (sqlite3.Error, MemoryError, ValueError) as error:
            if primary_code(error) == sqlite3.SQLITE_BUSY:
                receipt.fate = CommitFate.NOT_SENT  # SQLite kept the transaction; it is undone now
                raise translate(error, self._name) from error
            raise CommitFailedError(self._name, describe(error)) from error
        receipt.fate = CommitFate.COMMITTED


async def _roll_back(connection: aiosqlite.Connection) -> None:
    # Without a transaction this is a no-op. SQLite may have rolled back by itself already, and
    # in_transaction, read from here, would race with a BEGIN still in the worker's queue.
    try:
        await connection.rollback()
    except (sqlite3.Error, MemoryError, ValueError) as error:
        _log.warning("rollback failed, the connection is closed all the same: %s", describe(error))


async def _close(connection: aiosqlite.Connection) -> None:
    try:
        await connection.close()
    except (sqlite3.Error, MemoryError, ValueError) as error:
        _log.warning("close failed: %s", describe(error))
