"""A fresh aiosqlite connection for each transition: the only import of aiosqlite.

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
import logging
import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

import aiosqlite

from fsmcore.cancellation import finish
from fsmcore.connections.file import StoreFile
from fsmcore.connections.model import (
    CommitFailedError,
    CommitFate,
    RowCountError,
)
from fsmcore.native import Synchronous
from fsmcore.sqlite import RAISED, describe, primary_code, translate, translated

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from types import TracebackType

    from fsmcore.connections.model import Prepare, Receipt, Row, Session, Write

T = TypeVar("T")

_log = logging.getLogger("fsmcore")

_NO_LOCK = contextlib.nullcontext()


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
        self._file = StoreFile(synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
        self._fair_writer_lock = fair_writer_lock
        self._writer_lock: asyncio.Lock | None = None
        self._keeper: aiosqlite.Connection | None = None

    @property
    def synchronous(self) -> Synchronous:
        """What a commit waits for."""
        return self._file.synchronous

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Open the keeper and enter WAL mode; see ``ConnectionModel.open``."""
        self._file.enter(path, create=create)
        self._writer_lock = asyncio.Lock() if self._fair_writer_lock else None
        try:
            keeper = await self._opened()
            try:
                await self._file.prepare(self._used_by(keeper), prepare)
            except BaseException:
                await finish(_close(keeper))
                raise
        except BaseException:
            self._file.leave()
            raise
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
                self._file.leave()

    def session(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """Lend a fresh connection; it is rolled back and closed whatever happens."""
        return _Lending(self)

    async def _lend(self) -> aiosqlite.Connection:
        if self._keeper is None:
            raise self._file.not_open()
        self._file.require_own_loop()
        return await self._opened()

    def _used_by(self, connection: aiosqlite.Connection) -> _AioSession:
        return _AioSession(connection, self._file.name, self._writer_lock)

    async def _opened(self) -> aiosqlite.Connection:
        opening = asyncio.ensure_future(self._connect())
        try:
            return await finish(opening)
        except asyncio.CancelledError:
            if not opening.cancelled() and opening.exception() is None:
                await finish(_close(opening.result()))
            raise

    async def _connect(self) -> aiosqlite.Connection:
        preparation = self._file.preparation()
        with translated(self._file.name):
            connection = await aiosqlite.connect(
                self._file.uri, **self._file.connect_options(preparation)
            )
        error = preparation.take_error()
        if error is not None:
            await finish(_close(connection))
            with translated(self._file.name):
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
        except RAISED as error:
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
    except RAISED as error:
        _log.warning("rollback failed, the connection is closed all the same: %s", describe(error))


async def _close(connection: aiosqlite.Connection) -> None:
    try:
        await connection.close()
    except RAISED as error:
        _log.warning("close failed: %s", describe(error))
