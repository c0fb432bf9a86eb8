"""aiosqlite with one thing broken."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
import pytest

Patch = Callable[[pytest.MonkeyPatch], None]
_Call = Callable[..., Any]

_leaked = threading.Event()


def _around(make: Callable[[_Call], _Call]) -> Patch:
    """Return a patch that stands around every call of a connection."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        whole = aiosqlite.Connection._execute
        monkeypatch.setattr(aiosqlite.Connection, "_execute", make(whole))

    return patch


def connects_before_its_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect where the connection is made."""
    whole = aiosqlite.Connection.__init__

    def init(self: Any, connector: _Call, *arguments: Any, **options: Any) -> None:
        native = connector()
        whole(self, lambda: native, *arguments, **options)

    monkeypatch.setattr(aiosqlite.Connection, "__init__", init)


@_around
def submits_late(whole: _Call) -> _Call:
    """Return calls that reach the worker two turns after they were made."""

    async def execute(self: Any, call: _Call, *arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await whole(self, call, *arguments, **options)

    return execute


@_around
def submits_out_of_order(whole: _Call) -> _Call:
    """Return calls of which every second one waits."""

    async def execute(self: Any, call: _Call, *arguments: Any, **options: Any) -> Any:
        self.call_count = getattr(self, "call_count", 0) + 1
        if self.call_count % 2:
            await asyncio.sleep(0)
        return await whole(self, call, *arguments, **options)

    return execute


@_around
def ends_at_an_error(whole: _Call) -> _Call:
    """Return calls that find nothing any more after one has raised."""
    dead: set[int] = set()

    async def execute(self: Any, call: _Call, *arguments: Any, **options: Any) -> Any:
        if id(self) in dead and getattr(call, "__name__", "") != "close":
            return []
        try:
            return await whole(self, call, *arguments, **options)
        except sqlite3.Error:
            dead.add(id(self))
            raise

    return execute


@_around
def keeps_the_primary_code(whole: _Call) -> _Call:
    """Return calls whose errors have lost the upper half of their code."""

    async def execute(self: Any, call: _Call, *arguments: Any, **options: Any) -> Any:
        try:
            return await whole(self, call, *arguments, **options)
        except sqlite3.Error as error:
            error.sqlite_errorcode &= 0xFF
            raise

    return execute


@_around
def raises_look_alikes(whole: _Call) -> _Call:
    """Return calls whose errors are those of another sqlite3 module."""

    class OperationalError(sqlite3.Error):
        pass

    async def execute(self: Any, call: _Call, *arguments: Any, **options: Any) -> Any:
        try:
            return await whole(self, call, *arguments, **options)
        except sqlite3.Error as error:
            other = OperationalError(str(error))
            other.sqlite_errorcode = error.sqlite_errorcode
            raise other from error

    return execute


def refuses_an_idle_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ROLLBACK be sent as it is: without a transaction SQLite refuses it."""

    async def rollback(self: Any) -> None:
        await self._execute(self._conn.execute, "ROLLBACK")

    monkeypatch.setattr(aiosqlite.Connection, "rollback", rollback)


def leaves_a_read_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a read begin once more and not end."""
    whole = aiosqlite.Connection.execute_fetchall

    @asynccontextmanager
    async def _fetch(self: Any, sql: str, parameters: Any = None) -> AsyncIterator[Any]:
        rows = await whole(self, sql, parameters)
        self.left_open = await self.execute(sql, parameters)
        await self.left_open.fetchone()
        yield rows

    class Fetch:
        def __init__(self, made: Any) -> None:
            self._made = made

        def __await__(self) -> Any:
            return self._made.__aenter__().__await__()

    monkeypatch.setattr(
        aiosqlite.Connection,
        "execute_fetchall",
        lambda self, sql, parameters=None: Fetch(_fetch(self, sql, parameters)),
    )


def leaves_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a connect that fails leave somebody who waits, until ``end_threads``."""
    whole = aiosqlite.connect
    _leaked.clear()

    async def connect(*arguments: Any, **options: Any) -> Any:
        try:
            return await whole(*arguments, **options)
        except sqlite3.Error:
            threading.Thread(target=_leaked.wait, daemon=True).start()
            raise

    monkeypatch.setattr(aiosqlite, "connect", connect)


def end_threads() -> None:
    """Let those who wait go."""
    _leaked.set()


def raises_as_sqlite_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a closed connection raise sqlite3's own error."""

    def connection(self: Any) -> sqlite3.Connection:
        found: sqlite3.Connection | None = self._connection
        if found is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return found

    monkeypatch.setattr(aiosqlite.Connection, "_conn", property(connection))
