"""We assume: a BEGIN IMMEDIATE that meets a writer is BUSY, without waiting, and begins nothing.

With a timeout of 0 the schedule of retries is ours. A BEGIN that failed and yet had begun would
pin a snapshot and make the next try fail with "within a transaction".
"""

import sqlite3
from contextlib import closing

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/work.py: Transaction.run"


def test_a_second_writer() -> None:
    """Refused, not in a transaction, and served when the first one has gone."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with (
            closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as holder,
            closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other,
        ):
            holder.execute("PRAGMA journal_mode=WAL")
            assert [(0,)] == other.execute("PRAGMA busy_timeout").fetchall()
            holder.execute("BEGIN IMMEDIATE")
            told = []
            for _ in range(2):
                try:
                    other.execute("BEGIN IMMEDIATE")
                    told.append("begun")
                except sqlite3.OperationalError as error:
                    told.append(f"{error.sqlite_errorname}, begun: {other.in_transaction}")
            holder.execute("ROLLBACK")
            other.rollback()
            other.execute("BEGIN IMMEDIATE")
            assert ["SQLITE_BUSY, begun: False"] * 2 == told
            assert other.in_transaction
