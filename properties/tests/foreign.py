"""A state machine of somebody else: plain sqlite3, tables of its own, and little to offer.

It blocks the event loop, has no guards, no callbacks, no log and no outcomes. What it has is a row,
a journal, and a compare-and-set; so the laws about those can be asked of it, and no others.
"""

from __future__ import annotations

import sqlite3

from properties.subjects import FILES, TRIES, Answer, AnswerKind, Layout, Offer, Request, Row
from properties.subjects.protocol import LogRecord

SCHEMA = """
CREATE TABLE IF NOT EXISTS doc (name TEXT PRIMARY KEY, status TEXT NOT NULL, rev INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS doc_log (
    op TEXT PRIMARY KEY, name TEXT, rev INTEGER, what TEXT, came_from TEXT, went_to TEXT,
    UNIQUE (name, rev)
);
"""


class ForeignSubject:
    """One open connection, one attempt at a time."""

    name = "foreign"
    offers = frozenset({Offer.JOURNAL})
    lifecycle = FILES
    layout = Layout(
        rows="SELECT name, status, rev FROM doc",
        journal="SELECT op, name, rev, what, came_from, went_to FROM doc_log ORDER BY name, rev",
        row="SELECT status, rev FROM doc WHERE name = ?",
        move="UPDATE doc SET status = ?, rev = rev + 1 WHERE name = ?",
        note="INSERT INTO doc_log VALUES (?, ?, ?, ?, ?, ?)",
    )

    def __init__(self, *, tries: int = TRIES) -> None:
        """Open nothing yet."""
        self._tries = tries
        self._path = ""
        self._db: sqlite3.Connection | None = None

    async def make(self, path: str) -> None:
        """See ``Subject.make``. Each table is a commit of its own."""
        self.connect(path)
        self._opened().executescript(SCHEMA)

    def connect(self, path: str) -> None:
        """Open the one connection."""
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        self._db.execute("PRAGMA journal_mode=WAL")

    async def seed(self, file_path: str) -> None:
        """See ``Subject.seed``."""
        self._opened().execute("INSERT INTO doc VALUES (?, 'untracked', 0)", (file_path,))

    async def attempt(self, request: Request) -> Answer:
        """See ``Subject.attempt``."""
        db = self._opened()
        doubt = AnswerKind.FAILED
        try:
            row = await self.read(request.file_path)
            target = FILES.target(row.state, request.event)
            if target is None:
                return Answer(kind=AnswerKind.NOT_ALLOWED)
            db.execute("BEGIN IMMEDIATE")
            if not self.compare_and_set(db, request.file_path, target, row.version):
                return Answer(kind=AnswerKind.STALE)
            entry = (request.attempt_id, request.file_path, row.version + 1, request.event)
            db.execute("INSERT INTO doc_log VALUES (?, ?, ?, ?, ?, ?)", (*entry, row.state, target))
            doubt = AnswerKind.UNKNOWN
            db.execute("COMMIT")
        except (sqlite3.Error, MemoryError) as error:
            is_busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            return Answer(kind=AnswerKind.BUSY if is_busy else doubt, detail=str(error))
        finally:
            self._undo(db)
        return Answer(
            kind=AnswerKind.SUCCESS, from_state=row.state, to_state=target, version=row.version + 1
        )

    def _undo(self, db: sqlite3.Connection) -> None:
        """Roll back; where even that fails, a close does it, and the next call connects anew."""
        try:
            db.rollback()
        except (sqlite3.Error, MemoryError):
            db.close()
            self._db = None

    def compare_and_set(self, db: sqlite3.Connection, name: str, target: str, version: int) -> bool:
        """Move the row if it still is at ``version``."""
        done = db.execute(
            "UPDATE doc SET status = ?, rev = rev + 1 WHERE name = ? AND rev = ?",
            (target, name, version),
        )
        return done.rowcount == 1

    async def read(self, file_path: str) -> Row:
        """See ``Subject.read``."""
        ((status, rev),) = self._opened().execute(self.layout.row, (file_path,)).fetchall()
        return Row(status, rev)

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Is not offered, so nobody may ask."""
        raise NotImplementedError(f"{self.name} has no outcomes; {attempt_id} was asked for")

    def log(self) -> list[LogRecord]:
        """Keep none."""
        return []

    def held_locks(self) -> int:
        """Hold none."""
        return 0

    async def close(self) -> None:
        """See ``Subject.close``."""
        if self._db is not None:
            self._db.close()

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            if not self._path:
                raise RuntimeError("call make() first")
            self.connect(self._path)
        assert self._db is not None
        return self._db


class ForeignBroken(ForeignSubject):
    """Writes the journal and leaves the revision where it was."""

    def compare_and_set(self, db: sqlite3.Connection, name: str, target: str, version: int) -> bool:
        """Forget half of it."""
        db.execute("UPDATE doc SET status = ? WHERE name = ?", (target, name))
        return True
