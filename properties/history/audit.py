"""What the database file says, read by plain sqlite3 with SQL of its own."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from properties.subjects.protocol import V9, Layout


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One committed transition."""

    attempt_id: str
    file_path: str
    version: int
    event: str
    from_state: str
    to_state: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows as ``file -> (state, version)``, and the journal by file and version."""

    rows: dict[str, tuple[str, int]]
    journal: tuple[JournalRow, ...]
    integrity: str
    has_journal: bool = True

    def entry_of(self, attempt_id: str) -> JournalRow | None:
        """Return the entry of an attempt, or None."""
        return next((row for row in self.journal if row.attempt_id == attempt_id), None)

    def of_file(self, file_path: str) -> list[JournalRow]:
        """Return a file's entries by version."""
        return [row for row in self.journal if row.file_path == file_path]


def snapshot(db: sqlite3.Connection, layout: Layout = V9) -> Snapshot:
    """Return everything, from one read transaction of an idle connection."""
    db.execute("BEGIN")
    try:
        rows = {key: (state, version) for key, state, version in db.execute(layout.rows)}
        entries = () if layout.journal is None else db.execute(layout.journal)
        journal = tuple(JournalRow(*row) for row in entries)
        ((integrity,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
    finally:
        db.execute("ROLLBACK")
    return Snapshot(rows, journal, integrity, layout.journal is not None)
