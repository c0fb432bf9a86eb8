"""The plain workload: the standard library's `sqlite3`, nothing of ours, and the WAL-reset race.

    committer PATH WRITER AFTER | checkpointer PATH | auditor PATH | make PATH WRITER_COUNT

What is raced for (https://sqlite.org/wal.html#walresetbug): a checkpoint that finds all frames
copied already has read the WAL's header, another process's commit now resets the WAL and ends,
and only then the checkpoint looks how far the copying has come. So the committer fills the WAL
(24 rows, a page each), has it copied, and then commits one row, which resets the WAL; meanwhile
the checkpointer does nothing but begin checkpoints.

Choices: the first checkpoint is made by the committer itself in half of the rounds and left to
the checkpointer in the others. All is re-read on a *second* connection: the first one keeps its
own pages in its cache, and hides the loss by writing them again.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from contextlib import closing

from properties.durability.telling import Word, is_busy, is_damage, prove, tell, tell_audit

ROW_COUNT = 24
PAGE_FILLING = 3000
LONGEST_PAUSE_S = 0.0003
RECENT = 32
TOLD_EVERY_S = 0.3
BUSY_MS = 5000

CREATE = """
CREATE TABLE slots (
    writer INTEGER, slot INTEGER, ordinal INTEGER NOT NULL, filling BLOB,
    PRIMARY KEY (writer, slot)
) WITHOUT ROWID;
CREATE TABLE journal (writer INTEGER, ordinal INTEGER, PRIMARY KEY (writer, ordinal)) WITHOUT ROWID;
"""
INSERT_SLOT = "INSERT INTO slots VALUES (?, ?, 0, zeroblob(?))"
UPDATE_SLOTS = "UPDATE slots SET ordinal = ? WHERE writer = ? AND slot < ?"
UPDATE_LAST = "UPDATE slots SET ordinal = ? WHERE writer = ? AND slot = ?"
INSERT_JOURNAL = "INSERT INTO journal VALUES (?, ?)"
SELECT_SLOTS = "SELECT ordinal FROM slots WHERE writer = ? ORDER BY slot"
SELECT_RECENT = "SELECT count(*) FROM journal WHERE writer = ? AND ordinal > ?"
SELECT_LAST = "SELECT coalesce(max(ordinal), 0) FROM journal WHERE writer = ?"
SELECT_JOURNAL = "SELECT writer, ordinal FROM journal ORDER BY writer, ordinal"
SELECT_WRITERS = "SELECT DISTINCT writer FROM slots"
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


def opened(path: str) -> sqlite3.Connection:
    """Return a connection that checkpoints only when it is told to."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    db.execute("PRAGMA journal_mode=WAL").fetchall()
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    return db


def make(path: str, writer_count: int) -> None:
    """Create the database: the slots of each writer, and an empty journal."""
    with closing(opened(path)) as db:
        db.executescript(CREATE)
        for writer in range(writer_count):
            for slot in range(ROW_COUNT + 1):
                db.execute(INSERT_SLOT, (writer, slot, PAGE_FILLING))


class Committer:
    """Commits even ordinals over many pages and odd ones over one, and re-reads both."""

    def __init__(self, path: str, writer: int, after: int) -> None:
        """Go on after the last ordinal that anybody has heard of."""
        self._db = opened(path)
        self._other = opened(path)
        self._writer = writer
        (last,) = self._db.execute(SELECT_LAST, (writer,)).fetchone()
        self._ordinal = max(last, after)
        if self._ordinal % 2:
            self._ordinal += 1  # a round begins with an odd ordinal for the many rows
        self._since = self._ordinal
        self._random = random.Random(f"{writer} {self._ordinal}")

    def round(self) -> str | None:
        """Fill the WAL, have it copied, reset it; return what is lost, if anything."""
        many = self._commit(UPDATE_SLOTS, ROW_COUNT)
        if self._random.random() < 0.5:
            self._db.execute(CHECKPOINT).fetchall()
        until = time.perf_counter() + self._random.random() * LONGEST_PAUSE_S
        while time.perf_counter() < until:
            pass
        one = self._commit(UPDATE_LAST, ROW_COUNT)
        return self._missing(many, one)

    def _commit(self, update: str, slot: int) -> int:
        ordinal: int = self._ordinal + 1
        self._begin()
        self._db.execute(update, (ordinal, self._writer, slot))
        self._db.execute(INSERT_JOURNAL, (self._writer, ordinal))
        self._db.execute("COMMIT")
        tell(Word.ACKNOWLEDGED, self._writer, ordinal)
        self._ordinal = ordinal
        return ordinal

    def _begin(self) -> None:
        """Begin; SQLite's own waiting is unfair, so among many writers it may have to go on."""
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                tell(Word.ALIVE)
            else:
                return

    def _missing(self, many: int, one: int) -> str | None:
        found = [ordinal for (ordinal,) in self._other.execute(SELECT_SLOTS, (self._writer,))]
        wrong = sum(ordinal != many for ordinal in found[:ROW_COUNT]) + (found[-1] != one)
        begin = max(self._since, one - RECENT)
        recent: int
        (recent,) = self._other.execute(SELECT_RECENT, (self._writer, begin)).fetchone()
        if wrong:
            return f"{wrong} of {ROW_COUNT + 1} rows are older than their acknowledged commit"
        return None if recent == one - begin else f"{one - begin - recent} journal rows are gone"


def commit(path: str, writer: int, after: int) -> None:
    """Run rounds until killed, or until something is lost."""
    committer = Committer(path, writer, after)
    reread_count, told_s = 0, 0.0
    while True:
        lost = committer.round()
        reread_count += ROW_COUNT + 1
        if lost is not None:
            tell(Word.LOST, lost)
            return
        if time.monotonic() - told_s > TOLD_EVERY_S:
            tell(Word.REREADS, reread_count)
            reread_count, told_s = 0, time.monotonic()


def checkpoint(path: str) -> None:
    """Begin checkpoints until killed."""
    db = opened(path)
    count, told_s = 0, 0.0
    while True:
        db.execute(CHECKPOINT).fetchall()
        count += 1
        if time.monotonic() - told_s > TOLD_EVERY_S:
            tell(Word.CHECKPOINTS, count)
            count, told_s = 0, time.monotonic()


def present(path: str) -> tuple[dict[int, list[int]], list[str], str]:
    """Return what one snapshot of a fresh connection holds, and where it contradicts itself."""
    with closing(opened(path)) as db:
        db.execute("BEGIN")
        journal: dict[int, list[int]] = {}
        for writer, ordinal in db.execute(SELECT_JOURNAL):
            journal.setdefault(writer, []).append(ordinal)
        wrong = []
        for (writer,) in db.execute(SELECT_WRITERS).fetchall():
            found = [ordinal for (ordinal,) in db.execute(SELECT_SLOTS, (writer,))]
            last = dict.fromkeys((0, 1), 0)
            for ordinal in journal.get(writer, []):
                last[ordinal % 2] = ordinal
            expected = [last[1]] * ROW_COUNT + [last[0]]
            if found != expected:
                count = sum(map(int.__ne__, expected, found))
                wrong.append(f"{count} rows of writer {writer} are not as its journal says")
        db.execute("ROLLBACK")
        integrity = [text for (text,) in db.execute("PRAGMA integrity_check(3)")]
    return journal, wrong, "; ".join(integrity)


def audit(path: str) -> None:
    """Answer each line on the standard input with what is there now."""
    for _ in sys.stdin:
        tell_audit(*present(path))


def main(arguments: list[str]) -> None:
    """Play one role."""
    prove()
    role, path, *rest = arguments
    try:
        match role:
            case "make":
                make(path, int(rest[0]))
            case "committer":
                commit(path, int(rest[0]), int(rest[1]))
            case "checkpointer":
                checkpoint(path)
            case "auditor":
                audit(path)
            case _:
                raise ValueError(f"no role {role!r}")
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        tell(Word.LOST, f"SQLite cannot read what it wrote: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
