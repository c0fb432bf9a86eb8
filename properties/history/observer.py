"""Reads as operations: whoever looks at a row says when, and what it saw."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from properties.history.audit import Snapshot, snapshot
from properties.history.operations import Clock, Observation
from properties.subjects.protocol import Layout, Row, Subject

THE_FILE = "the file"


@dataclass(slots=True)
class Observer:
    """Reads through the subject and through plain SQLite, and keeps all that was seen."""

    clock: Clock
    layout: Layout
    seen: list[Observation] = field(default_factory=list)

    async def read(self, subject: Subject, file_path: str) -> Row:
        """Return the row as the subject reads it."""
        begin = self.clock.tick()
        row = await subject.read(file_path)
        self._note("reader", file_path, begin, self.clock.tick(), row)
        return row

    def look(self, db: sqlite3.Connection) -> Snapshot:
        """Return what the file says; each of its rows is a read of its own."""
        begin = self.clock.tick()
        shot = snapshot(db, self.layout)
        end = self.clock.tick()
        for name, (state, version) in shot.rows.items():
            self._note(THE_FILE, name, begin, end, Row(state, version))
        return shot

    def _note(self, actor: str, file_path: str, begin: int, end: int, row: Row) -> None:
        self.seen.append(
            Observation(
                actor=actor,
                file_path=file_path,
                begin=begin,
                end=end,
                state=row.state,
                version=row.version,
            )
        )
