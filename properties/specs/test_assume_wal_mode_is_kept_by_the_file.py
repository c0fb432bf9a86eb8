"""We assume: WAL mode is a property of the file, and the WAL goes with the last connection.

The keeper switches it on once for all connections after it, and spares them the last close, in
which SQLite copies the WAL back and unlinks it. `synchronous` belongs to each connection.
"""

import os
import sqlite3
from contextlib import closing

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/file.py: StoreFile.prepare"

READ = "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous"


def test_a_later_connection_finds_it() -> None:
    """While a keeper is open the WAL stays; without one it goes at each close."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as keeper:
            assert [("wal",)] == keeper.execute("PRAGMA journal_mode=WAL").fetchall()
            keeper.execute("PRAGMA synchronous=NORMAL")
            keeper.execute("CREATE TABLE t (x)")
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                assert [("wal", 2)] == other.execute(READ).fetchall()
                other.execute("INSERT INTO t VALUES (1)")
            assert os.path.exists(f"{path}-wal")
        assert not os.path.exists(f"{path}-wal")
        with closing(sqlite3.connect(path, isolation_level=None)) as later:
            assert [("wal", 2)] == later.execute(READ).fetchall()
            assert [(1,)] == later.execute("SELECT x FROM t").fetchall()
        assert not os.path.exists(f"{path}-wal")
