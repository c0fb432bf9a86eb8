"""A fresh aiosqlite connection for each transaction: the only import of aiosqlite.

Each call that aiosqlite hands to its thread and back costs more than the statements in it. What
its public surface lets run in that thread as a whole is what opens the connection, the
``connector`` of ``aiosqlite.Connection``. So a transaction is opened, run and closed there, in one
hop. What aiosqlite 0.17 … 0.22 and SQLite do, and what is done about it here:

* aiosqlite does not wait for the thread of a connect that failed, and up to 0.20 a cancelled one
  keeps its thread for ever: a connector here never raises, and runs to its end whoever is
  cancelled meanwhile.
* When the last connection closes, SQLite checkpoints and unlinks the WAL. A *keeper* spares each
  transition that (67 against 849 transitions a second), and reads: a hop each, fetched to its end
  in the call that began it, so that no cursor pins a snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import aiosqlite

from fsmcore.cancellation import finish
from fsmcore.connections.lending import Lending, Lent
from fsmcore.connections.seat import run_afresh
from fsmcore.native import Synchronous
from fsmcore.sqlite import RAISED, describe, translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from fsmcore.connections.file import StoreFile
    from fsmcore.connections.model import Prepare, Row
    from fsmcore.connections.work import Reading, Work

T = TypeVar("T")

_log = logging.getLogger("fsmcore")

_NO_LOCK = contextlib.nullcontext()
_CHUNK_SIZE = 64
"""Rows that aiosqlite takes at a time when it iterates, which nobody does here; its default."""

_STOPS = hasattr(aiosqlite.Connection, "stop")
"""Whether a connection's thread can be told to end without waiting for it: from 0.22.1 on."""


class _Connector(Generic[T]):
    """What aiosqlite calls in the thread that it has started, and what came of it.

    aiosqlite keeps what it returns as the connection: where none was left open the connector
    stands in for it, so that the thread ends as after any other.
    """

    __slots__ = ("_answer", "_call", "_error")

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._answer: T | None = None
        self._error: BaseException | None = None

    def __call__(self) -> Any:
        """Call. Never raises."""
        try:
            self._answer = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits
            self._error = error
        return self._answer if isinstance(self._answer, sqlite3.Connection) else self

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def answer(self) -> T:
        """Return what the call returned, or raise what it raised. To be asked once."""
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._answer)
        try:
            raise error
        finally:
            del error  # else this frame and the error would keep each other alive


class _Errand(_Connector[T]):
    """One piece of work on a connection of its own, in the one call that connects.

    Where it can, it also tells its thread to end, which then has nothing left to wait for.
    """

    __slots__ = ("_connection", "_work")

    def __init__(self, file: StoreFile, work: Work[T]) -> None:
        super().__init__(partial(run_afresh, file, work))
        self._work = work
        self._connection: Any = None

    async def done(self) -> T:
        """Return what the work came to. To be finished by whoever begins it."""
        self._connection = connection = aiosqlite.Connection(self, _CHUNK_SIZE)
        await connection
        if not _STOPS:
            await connection.close()
        return self.answer()

    def __call__(self) -> Any:
        """Work; see ``_Connector``."""
        standing_in = super().__call__()
        connection, self._connection = self._connection, None
        if not _STOPS:
            return standing_in
        connection.stop()
        return None

    # What it will do, and has done, for a simulation that reads it

    @property
    def sql(self) -> str:
        """All statements."""
        return self._work.sql

    @property
    def parameters(self) -> object:
        """What is bound to them."""
        return self._work.parameters

    @property
    def native(self) -> sqlite3.Connection | None:
        """No connection that is open yet."""
        return None

    def came_of(self) -> tuple[object, bool]:
        """Return what the work came to, and whether that is an error; before it was answered."""
        return (self._answer, False) if self._error is None else (self._error, True)


class _Keeper(Lent):
    """The connection that stays open, and the turns at writing."""

    _connection: aiosqlite.Connection

    def __init__(self, file: StoreFile, *, fair_writer_lock: bool) -> None:
        super().__init__(file)
        self._writer_lock = asyncio.Lock() if fair_writer_lock else None

    async def open(self, prepare: Prepare) -> None:
        opening = _Connector(self.file.connect)
        self._connection = aiosqlite.Connection(opening, _CHUNK_SIZE)
        await finish(self._connection)
        opening.answer()
        await self.file.prepare(self, prepare)

    async def end(self) -> None:
        try:
            await self._connection.close()
        except RAISED as error:
            _log.warning("close failed: %s", describe(error))

    async def read(self, work: Reading) -> list[Row]:
        with translated(self.file.name):
            fetched = await self._connection.execute_fetchall(work.statement, work.parameters)
        return cast("list[Row]", fetched)

    async def write(self, work: Work[T]) -> T:
        async with self._writer_lock or _NO_LOCK:
            return await finish(_Errand(self.file, work).done(), on_cancel=work.withdraw)


class PerTransition(Lending):
    """A fresh aiosqlite connection for each transaction, beside a keeper that reads. The default.

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
        super().__init__(synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
        self._fair_writer_lock = fair_writer_lock

    def _new(self) -> _Keeper:
        return _Keeper(self._file, fair_writer_lock=self._fair_writer_lock)
