"""We assume: a read that begins after a commit has returned sees it, on every connection.

A try that met a moved row reads again, and must not meet the same old row. What a connection keeps
of an earlier read, a snapshot or a statement that was not reset, breaks it.
"""

import sqlite3
from contextlib import closing

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/attempt.py: Attempt.read"


def test_after_each_of_ten_commits() -> None:
    """One connection writes, another one, open all the time, reads."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with (
            closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as writer,
            closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as reader,
        ):
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("CREATE TABLE t (version)")
            writer.execute("INSERT INTO t VALUES (0)")
            seen = []
            for version in range(1, 11):
                writer.execute("UPDATE t SET version = ?", (version,))
                seen += reader.execute("SELECT version FROM t").fetchall()
            assert [(version,) for version in range(1, 11)] == seen
