"""We assume: a UNIQUE violation undoes the statement that met it, and keeps the transaction.

So the version that moved before the journal refused its row is there until somebody rolls back,
and everybody who leaves a transaction early must.
"""

import sqlite3
from contextlib import closing

LEANS_ON = "fsmcore/connections/work.py: Transaction.run"


def test_the_statement_before_it_stays() -> None:
    """Moved, refused, still moved, and back again after the rollback."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE files (version)")
        db.execute("INSERT INTO files VALUES (0)")
        db.execute("CREATE TABLE journal (attempt PRIMARY KEY)")
        db.execute("INSERT INTO journal VALUES ('a')")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE files SET version = 1")
        told = "inserted"
        try:
            db.execute("INSERT INTO journal VALUES ('a')")
        except sqlite3.IntegrityError as error:
            told = error.sqlite_errorname
        inside = (told, db.in_transaction, db.execute("SELECT version FROM files").fetchall())
        db.rollback()
        assert ("SQLITE_CONSTRAINT_PRIMARYKEY", True, [(1,)]) == inside
        assert [(0,)] == db.execute("SELECT version FROM files").fetchall()
