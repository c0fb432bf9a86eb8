"""We assume: a COMMIT that is BUSY has committed nothing and undone nothing.

That is the one error at COMMIT that is told as busy and tried again, not as unknown. In WAL mode a
lone writer's COMMIT is hardly ever busy; a rollback journal shows what SQLite does then.
"""

import sqlite3
from contextlib import closing

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/work.py: commit"


def test_a_reader_holds_up_a_commit() -> None:
    """Busy while it reads; after it, the same transaction commits, or is rolled back whole."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with (
            closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as writer,
            closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as reader,
        ):
            writer.execute("CREATE TABLE t (x)")
            told: list[tuple[object, object]] = []
            for number, end in enumerate(("COMMIT", "ROLLBACK")):
                reader.execute("BEGIN")
                reader.execute("SELECT * FROM t").fetchall()
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("INSERT INTO t VALUES (?)", (number,))
                try:
                    writer.execute("COMMIT")
                except sqlite3.OperationalError as error:
                    told.append((error.sqlite_errorcode & 0xFF, writer.in_transaction))
                reader.execute("ROLLBACK")
                writer.execute(end)
                told.append((end, reader.execute("SELECT x FROM t").fetchall()))
            expected = [
                (sqlite3.SQLITE_BUSY, True),
                ("COMMIT", [(0,)]),
                (sqlite3.SQLITE_BUSY, True),
                ("ROLLBACK", [(0,)]),
            ]
            assert expected == told
