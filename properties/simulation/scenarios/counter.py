"""One row that is counted up by hand, right and wrong: bare aiosqlite on its own connection.

What people write with a few statements; small enough to be explored without any reduction, and so
it judges the simulator itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import aiosqlite

from properties.simulation.scenario import Attempt, Scenario, Setting
from properties.simulation.scenarios.laws import every_ok_counts

COUNTER_SQL = "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER, version INTEGER)"
COUNTER_RESET_SQL = "DELETE FROM counter; INSERT INTO counter VALUES (1, 0, 0)"
COUNTER_OBSERVE_SQL = "SELECT value, version FROM counter ORDER BY id"

READ = "SELECT value, version FROM counter WHERE id = 1"
SET = "UPDATE counter SET value = ?, version = version + 1 WHERE id = 1"
ADD_ONE = "UPDATE counter SET value = value + 1, version = version + 1 WHERE id = 1"
COMPARE_AND_SET = f"{SET} AND version = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """One way to increment a counter by hand.

    ``begin`` opens the transaction, before the read when ``reads_inside``. Without ``begin`` each
    statement commits by itself. ``checks_version`` makes the write a compare-and-set.
    """

    begin: str | None = "BEGIN IMMEDIATE"
    reads_inside: bool = False
    checks_version: bool = True
    retries: int = 0
    backoff_s: float = 0.002


async def increment(path: str, how: Bare) -> str:
    """Read the counter and add one; return ``ok``, ``stale`` or ``busy``."""
    for tries in range(how.retries + 1):
        answer = await _increment_once(path, how)
        if answer == "ok" or tries == how.retries:
            return answer
        await asyncio.sleep(how.backoff_s * 2**tries)
    raise AssertionError("unreachable")


async def _increment_once(path: str, how: Bare) -> str:
    db = await aiosqlite.connect(path, isolation_level=None, timeout=0)
    try:
        try:
            if how.begin is not None and how.reads_inside:
                await db.execute(how.begin)
            ((value, version),) = await db.execute_fetchall(READ)
            if how.begin is not None and not how.reads_inside:
                await db.execute(how.begin)
            if how.checks_version:
                cursor = await db.execute(COMPARE_AND_SET, (value + 1, version))
            else:
                cursor = await db.execute(SET, (value + 1,))
            changed = cursor.rowcount
            if how.begin is not None:
                await db.execute("COMMIT" if changed == 1 else "ROLLBACK")
            return "ok" if changed == 1 else "stale"
        except aiosqlite.OperationalError as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                return "busy"
            raise
    finally:
        await to_its_end(_roll_back_and_close(db))


async def to_its_end(work: Coroutine[Any, Any, object]) -> None:
    """Run ``work`` to its end whoever is cancelled meanwhile, then let the cancellation out."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


async def _roll_back_and_close(db: aiosqlite.Connection) -> None:
    with contextlib.suppress(aiosqlite.Error, ValueError):
        await db.rollback()
    await db.close()


def bare(name: str, sentence: str, how: Bare, *, count: int = 2, **options: Any) -> Scenario:
    """Return the scenario of ``count`` attempts that increment the counter by hand."""

    def attempts(_subject: object, setting: Setting) -> Sequence[Attempt]:
        def work() -> Coroutine[Any, Any, object]:
            return increment(setting.path, how)

        return [(letter, work) for letter in "abcdefgh"[:count]]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=COUNTER_SQL,
        reset_sql=COUNTER_RESET_SQL,
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        **{"law": every_ok_counts, **options},
    )
