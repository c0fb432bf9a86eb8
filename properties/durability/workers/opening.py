"""Two tasks, a connection for each transition, nothing that stays open: the open/close race.

    make PATH | committer PATH WRITER AFTER | auditor PATH

One task's last close (which removes the WAL) meets the other's open. SQLite 3.51.0 and 3.51.1
take two mutexes in opposite order there, and both threads wait for ever. With exactly two tasks
the last connection closes often.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing

import aiosqlite

from properties.durability.telling import Word, is_busy, is_damage, prove, tell, tell_audit

TASK_COUNT = 2
BUSY_S = 5.0
CREATE = """
CREATE TABLE journal (writer INTEGER, ordinal INTEGER, PRIMARY KEY (writer, ordinal)) WITHOUT ROWID
"""
INSERT_JOURNAL = "INSERT INTO journal VALUES (?, ?)"
SELECT_LAST = "SELECT coalesce(max(ordinal), 0) FROM journal"
SELECT_JOURNAL = "SELECT writer, ordinal FROM journal ORDER BY writer, ordinal"


def make(path: str) -> None:
    """Create the journal in a WAL file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL").fetchall()
        db.execute(CREATE)


async def _commit_again_and_again(path: str, writer: int, ordinals: Iterator[int]) -> None:
    while True:
        ordinal = next(ordinals)
        async with aiosqlite.connect(path, isolation_level=None, timeout=BUSY_S) as db:
            try:
                await db.execute("BEGIN IMMEDIATE")
                await db.execute(INSERT_JOURNAL, (writer, ordinal))
                await db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                tell(Word.ALIVE)
                continue
        tell(Word.ACKNOWLEDGED, writer, ordinal)


async def commit(path: str, writer: int, after: int) -> None:
    """Let the tasks race until killed."""
    with closing(sqlite3.connect(path)) as db:
        ((last,),) = db.execute(SELECT_LAST).fetchall()
    ordinals = itertools.count(max(last, after) + 1)
    tasks = (_commit_again_and_again(path, writer, ordinals) for _ in range(TASK_COUNT))
    await asyncio.gather(*tasks)


def present(path: str) -> tuple[dict[int, list[int]], list[str], str]:
    """Return which ordinals are there."""
    journal: dict[int, list[int]] = {}
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as db:
        for writer, ordinal in db.execute(SELECT_JOURNAL):
            journal.setdefault(writer, []).append(ordinal)
        integrity = [text for (text,) in db.execute("PRAGMA integrity_check(3)")]
    return journal, [], "; ".join(integrity)


def main(arguments: list[str]) -> None:
    """Play one role."""
    prove()
    role, path, *rest = arguments
    try:
        match role:
            case "make":
                make(path)
            case "committer":
                asyncio.run(commit(path, int(rest[0]), int(rest[1])))
            case "auditor":
                for _ in sys.stdin:
                    tell_audit(*present(path))
            case _:
                raise ValueError(f"no role {role!r}")
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        tell(Word.LOST, f"SQLite cannot read what it wrote: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
