"""A write lock that somebody forgot, or a snapshot that somebody pinned."""

from __future__ import annotations

import sqlite3


def write_lock_findings(outsider: sqlite3.Connection) -> list[str]:
    """Return a sentence for each lock that keeps ``outsider``, a warm connection, from working.

    Asked when nobody works: a BEGIN IMMEDIATE that is busy means a transaction left open (or a
    closed connection's unfinished cursor), a checkpoint that is busy means a pinned snapshot.
    """
    found = []
    try:
        outsider.execute("BEGIN IMMEDIATE")
        outsider.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        found.append(f"the write lock is held by nobody who works ({error})")
    ((busy, _, _),) = outsider.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        found.append("a read snapshot is pinned: a checkpoint stays busy")
    return found
