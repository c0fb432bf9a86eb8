"""The same row on connections that stay open: a few calls, small enough for every schedule."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import aiosqlite

from properties.simulation.scenario import Attempt, Scenario, Setting
from properties.simulation.scenarios.counter import (
    ADD_ONE,
    COMPARE_AND_SET,
    COUNTER_OBSERVE_SQL,
    COUNTER_RESET_SQL,
    COUNTER_SQL,
    READ,
    SET,
)

ADD_ONE_RETURNING = f"{ADD_ONE} RETURNING version"
READ_DATA_VERSION = "SELECT data_version FROM pragma_data_version"
READ_LAYOUT_AND_ROWS = "SELECT (SELECT count(*) FROM sqlite_schema), version FROM counter"
BEGUN_SCRIPT = f"BEGIN; {ADD_ONE}; COMMIT;"
LATE_SCRIPT = f"SELECT 1; {ADD_ONE};"


async def _open_connections(setting: Setting, count: int) -> list[aiosqlite.Connection]:
    return [
        await aiosqlite.connect(setting.path, isolation_level=None, timeout=0) for _ in range(count)
    ]


async def _close_connections(connections: list[aiosqlite.Connection]) -> None:
    for connection in connections:
        await connection.close()


Work = Callable[[aiosqlite.Connection], Coroutine[Any, Any, object]]


def kept(
    name: str, sentence: str, *works: Work, is_shared: bool = False, **options: Any
) -> Scenario:
    """Return the scenario of one attempt a work, each on a connection that stays open.

    ``is_shared`` lets all of them use the same one: its worker takes their calls in turn.
    """

    def attempts(connections: list[aiosqlite.Connection], _setting: Setting) -> Sequence[Attempt]:
        return [
            (letter, functools.partial(work, connection))
            for letter, work, connection in zip(
                "abcdefgh", works, connections * len(works), strict=False
            )
        ]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=COUNTER_SQL,
        reset_sql=COUNTER_RESET_SQL,
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        open=functools.partial(_open_connections, count=1 if is_shared else len(works)),
        close=_close_connections,
        **options,
    )


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Return whether SQLite answered BUSY, extended codes included."""
    return (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY


async def lone_update(db: aiosqlite.Connection) -> str:
    """Add one in a single statement."""
    try:
        await db.execute(ADD_ONE)
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok"


async def returning(db: aiosqlite.Connection) -> str:
    """Add one in a statement whose lock and COMMIT last until its row is fetched."""
    try:
        cursor = await db.execute(ADD_ONE_RETURNING)
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    ((version,),) = await cursor.fetchall()
    await cursor.close()
    return f"ok at version {version}"


async def script(db: aiosqlite.Connection, *, text: str) -> str:
    """Add one by several statements in one call."""
    try:
        await db.executescript(text)
    except sqlite3.OperationalError as error:
        if is_busy(error):
            await db.rollback()
            return "busy"
        raise
    return "ok"


async def look(db: aiosqlite.Connection) -> str:
    """Say which version is there."""
    ((_, version),) = await db.execute_fetchall(READ)
    return f"version {version}"


async def look_beside_the_layout(db: aiosqlite.Connection) -> str:
    """Say which version is there, in a statement that also counts the tables."""
    ((_, version),) = await db.execute_fetchall(READ_LAYOUT_AND_ROWS)
    return f"version {version}"


async def look_for_commits(db: aiosqlite.Connection) -> str:
    """Say whether anybody has committed between two looks."""
    (before,) = await db.execute_fetchall(READ_DATA_VERSION)
    (after,) = await db.execute_fetchall(READ_DATA_VERSION)
    return "quiet" if before == after else "moved"


async def read_then_set(db: aiosqlite.Connection) -> str:
    """Add one to what was read, unchecked. Broken on purpose."""
    ((value, _),) = await db.execute_fetchall(READ)
    try:
        await db.execute(SET, (value + 1,))
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok"


async def read_then_compare(db: aiosqlite.Connection) -> str:
    """Add one to what was read, if the version still is what was read."""
    ((value, version),) = await db.execute_fetchall(READ)
    try:
        cursor = await db.execute(COMPARE_AND_SET, (value + 1, version))
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok" if cursor.rowcount == 1 else "stale"


async def whole_transaction(db: aiosqlite.Connection) -> str:
    """Add one inside BEGIN IMMEDIATE; roll back when cut off."""
    try:
        await db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    except asyncio.CancelledError:
        await db.rollback()
        raise
    try:
        await db.execute(ADD_ONE)
        await db.execute("COMMIT")
    except asyncio.CancelledError:
        await db.rollback()
        raise
    return "ok"


async def in_time(db: aiosqlite.Connection) -> str:
    """Add one within 5 ms of the loop's time, or give up."""
    try:
        async with asyncio.timeout(0.005):
            return await read_then_compare(db)
    except TimeoutError:
        return "Cancelled by a timer"


async def retried(db: aiosqlite.Connection) -> str:
    """Compare and set; when it was overtaken, pause and try once more."""
    if await read_then_compare(db) == "ok":
        return "ok"
    await asyncio.sleep(0.002)
    return f"{await read_then_compare(db)} at the second try"


async def two_updates(db: aiosqlite.Connection) -> str:
    """Add one in a single statement, twice."""
    return f"{await lone_update(db)} {await lone_update(db)}"


async def watched_write(db: aiosqlite.Connection) -> str:
    """Add one in a task of its own; when cut off, say whether its result was there already."""
    write = asyncio.ensure_future(lone_update(db))
    try:
        return str(await asyncio.shield(write))
    except asyncio.CancelledError:
        had_ended = write.done()
        await asyncio.wait((write,))
        return f"Cancelled, write ended: {had_ended}"


class Tickets:
    """Numbers handed out in this process, under a lock."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.next = 1


def ticketed(count: int) -> Scenario:
    """Return the scenario of attempts that read, then take a number under an asyncio lock."""

    def attempts(connections: list[aiosqlite.Connection], _setting: Setting) -> Sequence[Attempt]:
        tickets = Tickets()

        async def work(db: aiosqlite.Connection) -> str:
            await db.execute_fetchall(READ)
            async with tickets.lock:
                number, tickets.next = tickets.next, tickets.next + 1
            return f"number {number}"

        return [
            (letter, functools.partial(work, connection))
            for letter, connection in zip("abcdefgh", connections, strict=False)
        ]

    return Scenario(
        name=f"tickets-{count}",
        sentence="Attempts read, then take a number under an asyncio lock: any order.",
        create_sql=COUNTER_SQL,
        reset_sql=COUNTER_RESET_SQL,
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        open=functools.partial(_open_connections, count=count),
        close=_close_connections,
    )
