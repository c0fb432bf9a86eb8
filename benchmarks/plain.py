"""The standard library alone: what SQLite itself costs, and what a connection adds.

Nothing here imports what an upgrade can touch, so the kept loop is also the gate's control.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from benchmarks import database, ring
from benchmarks.workload import Metric
from fsmcore import Synchronous
from fsmcore import schema as sql
from fsmcore.store import utc_now

SELECT = database.SCHEMA.sql(sql.SELECT_FILE)
COMPARE_AND_SET = database.SCHEMA.sql(sql.COMPARE_AND_SET)
INSERT_JOURNAL = database.SCHEMA.sql(sql.INSERT_JOURNAL)
AUTOCHECKPOINT_PAGES = 1000
"""SQLite's own default."""

Parameters = tuple[object, ...]


def writes(
    key: str, state: str, version: int, attempt_id: str
) -> tuple[tuple[str, Parameters], tuple[str, Parameters]]:
    """Return the two statements of a transition with the values that the store would bind."""
    edge = ring.EDGE_FROM[state]
    happened_at = utc_now().isoformat()
    move = (edge.target, happened_at, None, None, key, state, version)
    entry = (attempt_id, key, version + 1, edge.event, edge.source, edge.target, happened_at)
    return (COMPARE_AND_SET, move), (INSERT_JOURNAL, entry)


class PlainLoop:
    """One task's tight loop on ``sqlite3``; each transition on a kept or on a fresh connection.

    A fresh one is opened as the store opens its own, with a keeper beside it.
    """

    def __init__(
        self,
        *,
        fresh_connection: bool,
        transitions_per_round: int,
        autocheckpoint_pages: int = AUTOCHECKPOINT_PAGES,
    ) -> None:
        """Open nothing yet."""
        self.transitions_per_round = transitions_per_round
        self._fresh_connection = fresh_connection
        self._autocheckpoint_pages = autocheckpoint_pages
        self._attempt_ids = ring.attempt_ids()
        self._committed = 0

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database and keep one connection to it open."""
        self._path = folder / "plain.sqlite3"
        self._synchronous = synchronous
        (self._key,) = database.make(self._path, 1)
        self._kept = self._connect()

    def run(self) -> None:
        """Take one round of transitions."""
        for _ in range(self.transitions_per_round):
            if self._fresh_connection:
                with contextlib.closing(self._connect()) as db:
                    self._transition(db)
            else:
                self._transition(self._kept)

    def forget(self) -> None:
        """Do nothing: nothing is noted but what was committed."""

    def close(self) -> None:
        """Close the kept connection."""
        self._kept.close()

    def check(self) -> list[str]:
        """Audit the file."""
        return database.violations(self._path, self._committed)

    def metrics(self) -> Mapping[str, Metric]:
        """Return how many transitions the file holds."""
        return {"committed_count": self._committed}

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute(f"PRAGMA synchronous={self._synchronous.name}")
        db.execute("PRAGMA synchronous").fetchall()
        db.execute("PRAGMA journal_mode").fetchall()
        if self._autocheckpoint_pages != AUTOCHECKPOINT_PAGES:
            db.execute(f"PRAGMA wal_autocheckpoint={self._autocheckpoint_pages:d}")
        return db

    def _transition(self, db: sqlite3.Connection) -> None:
        ((state, version, *_),) = db.execute(SELECT, (self._key,)).fetchall()
        db.execute("BEGIN IMMEDIATE")
        for statement, parameters in writes(self._key, state, version, next(self._attempt_ids)):
            if db.execute(statement, parameters).rowcount != 1:
                raise sqlite3.IntegrityError("a transition met another number of rows than one")
        db.execute("COMMIT")
        self._committed += 1


def raw_loop() -> PlainLoop:
    """The limit that everything is measured against: one connection, kept open.

    A round is about as long as SQLite takes to fill the write-ahead log once, so that each one
    pays for about one checkpoint.
    """
    return PlainLoop(fresh_connection=False, transitions_per_round=250)
