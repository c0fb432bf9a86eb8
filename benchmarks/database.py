"""The database that a workload moves rows in: made before the clock starts, audited after.

Both sides go through the standard library alone, so that what is measured is not also the judge.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from benchmarks.ring import RING
from fsmcore import Lifecycle, Schema, audit
from fsmcore import schema as sql

SCHEMA = Schema()
COUNT_JOURNAL = SCHEMA.sql("SELECT count(*) FROM {journal_table}")
SUM_VERSIONS = SCHEMA.sql("SELECT coalesce(sum({version_column}), 0) FROM {files_table}")
TRACKED_AT = "2026-01-01T00:00:00+00:00"


def keys_of(file_count: int) -> list[str]:
    """Return the keys of so many files."""
    return [f"reports/{index:04d}.txt" for index in range(file_count)]


def make(path: Path, file_count: int) -> list[str]:
    """Make a database in WAL mode with so many files at version 0; return their keys."""
    keys = keys_of(file_count)
    insert = SCHEMA.sql(sql.INSERT_FILE)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for statement in SCHEMA.create_statements():
            db.execute(statement)
        db.execute("BEGIN")
        db.executemany(insert, ((key, RING.initial, TRACKED_AT) for key in keys))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return keys


def violations(path: Path, committed: int, lifecycle: Lifecycle = RING) -> list[str]:
    """Say what is wrong with the file, given how many transitions were acknowledged.

    The core's own audit, and the two counts that must agree with what callers were told: a lost,
    doubled or invented transition changes one of them, however sound the file looks.
    """
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = [str(each) for each in audit(db, lifecycle, SCHEMA)]
        ((journal_count,),) = db.execute(COUNT_JOURNAL).fetchall()
        ((version_sum,),) = db.execute(SUM_VERSIONS).fetchall()
    if journal_count != committed:
        found.append(f"{committed} transitions acknowledged, {journal_count} in the journal")
    if version_sum != committed:
        found.append(f"{committed} transitions acknowledged, versions add up to {version_sum}")
    return found
