"""Small broken subjects: what people write by hand, each with the law that it breaks."""

from __future__ import annotations

import contextlib
import sqlite3

import aiosqlite

from properties.simulation.budget import Budget
from properties.simulation.scenario import Outcome, Scenario
from properties.simulation.scenarios.counter import ADD_ONE, COMPARE_AND_SET, READ, SET
from properties.simulation.scenarios.kept import is_busy, kept
from properties.simulation.scenarios.laws import all_of, every_ok_counts, nothing_is_left_behind


async def stale_retry(db: aiosqlite.Connection) -> str:
    """Try a busy write again without reading again, and force it through."""
    ((value, version),) = await db.execute_fetchall(READ)
    cursor = await db.execute(COMPARE_AND_SET, (value + 1, version))
    if cursor.rowcount != 1:
        await db.execute(
            "UPDATE counter SET value = ?, version = version + 1 WHERE id = 1", (value + 1,)
        )
    return "ok"


async def row_count_ignored(db: aiosqlite.Connection) -> str:
    """Compare and set, and say ok whatever came of it: gives up and calls it success."""
    ((value, version),) = await db.execute_fetchall(READ)
    await db.execute(COMPARE_AND_SET, (value + 1, version))
    return "ok"


async def busy_is_ok(db: aiosqlite.Connection) -> str:
    """Give up when the database is busy, and say ok."""
    try:
        await db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "ok"
        raise
    await db.execute(ADD_ONE)
    await db.execute("COMMIT")
    return "ok"


async def commit_unheard(db: aiosqlite.Connection) -> str:
    """Read and write in one deferred transaction, and do not listen to what it says."""
    await db.execute("BEGIN")
    ((value, _),) = await db.execute_fetchall(READ)
    with contextlib.suppress(sqlite3.OperationalError):
        await db.execute(SET, (value + 1,))
    await db.execute("COMMIT")
    return "ok"


async def split_transaction(db: aiosqlite.Connection) -> str:
    """Count and version in two statements that commit by themselves."""
    ((value, version),) = await db.execute_fetchall(READ)
    cursor = await db.execute(
        "UPDATE counter SET version = version + 1 WHERE id = 1 AND version = ?", (version,)
    )
    if cursor.rowcount != 1:
        return "stale"
    await db.execute("UPDATE counter SET value = ? WHERE id = 1", (value + 1,))
    return "ok"


async def checks_the_value(db: aiosqlite.Connection) -> str:
    """Compare the value, not the version, and count the version from what was read: ABA."""
    ((value, version),) = await db.execute_fetchall(READ)
    cursor = await db.execute(
        "UPDATE counter SET value = 1 - value, version = ? WHERE id = 1 AND value = ?",
        (version + 1, value),
    )
    return "ok" if cursor.rowcount == 1 else "stale"


async def there_and_back(db: aiosqlite.Connection) -> str:
    """Flip the value twice, correctly."""
    for _ in range(2):
        await db.execute("UPDATE counter SET value = 1 - value, version = version + 1 WHERE id = 1")
    return "ok ok"


async def cut_off_without_rollback(db: aiosqlite.Connection) -> str:
    """A transaction whose owner does not roll back when it is cancelled."""
    try:
        await db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    await db.execute(ADD_ONE)
    await db.execute("COMMIT")
    return "ok"


def every_flip_counts(outcome: Outcome) -> str | None:
    """The version counts every flip that was told ok."""
    told = sum(answer.count("ok") for _, answer in outcome.answers)
    version = outcome.rows[0][1]
    return None if version == told else f"{told} flips were told ok, the version is {version}"


BROKEN: tuple[Scenario, ...] = (
    kept("broken: stale retry", "Tries again without reading again.",
         stale_retry, stale_retry, law=every_ok_counts, is_broken=True),
    kept("broken: row count ignored", "Gives up, and says ok.",
         row_count_ignored, row_count_ignored, law=every_ok_counts, is_broken=True),
    kept("broken: busy is ok", "Gives up when busy, and says ok.",
         busy_is_ok, busy_is_ok, law=every_ok_counts, is_broken=True),
    kept("broken: commit unheard", "Says ok without asking whether there was anything to commit.",
         commit_unheard, commit_unheard, law=every_ok_counts, is_broken=True),
    kept("broken: split transaction", "Version and value in two transactions.",
         split_transaction, split_transaction, law=every_ok_counts, is_broken=True),
    kept("broken: ABA", "Compares the value, which comes back, and not the version.",
         checks_the_value, there_and_back, law=every_flip_counts, is_broken=True),
    kept("broken: no rollback", "Cut off inside of a transaction, and does not roll back.",
         cut_off_without_rollback, cut_off_without_rollback,
         law=all_of(every_ok_counts, nothing_is_left_behind), is_broken=True,
         budget=Budget(cancellations=1)),
)  # fmt: skip
