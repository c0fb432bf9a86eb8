"""What a process tells the one that started it: a line each, on its standard output.

A line counts when its end has arrived: what a killed process had only half written was never
said. An acknowledgement is told after COMMIT has returned, so the list of the listener is what
must be in the database, whatever happened to the teller since.
"""

from __future__ import annotations

import enum
import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing


class Word(enum.Enum):
    """The first word of a line."""

    PROOF = "proof"
    ACKNOWLEDGED = "ack"
    CHECKPOINTS = "checkpoints"
    REREADS = "rereads"
    LOST = "lost"
    AUDIT = "audit"
    ALIVE = "alive"


def tell(word: Word, *rest: object) -> None:
    """Tell one line, whole."""
    sys.stdout.write(" ".join((word.value, *map(str, rest))) + "\n")
    sys.stdout.flush()


def prove() -> None:
    """Tell which SQLite this very process runs on. The first line of each."""
    with closing(sqlite3.connect(":memory:")) as db:
        (source_id,) = db.execute("SELECT sqlite_source_id()").fetchone()
    tell(Word.PROOF, sqlite3.sqlite_version, source_id)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite itself says that what was written is no longer there to be read."""
    return _primary_code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock, and has held it for as long as was waited."""
    return _primary_code(error) == sqlite3.SQLITE_BUSY


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def as_runs(ordinals: Iterable[int]) -> list[list[int]]:
    """Return ascending ordinals as unbroken runs, first and last of each."""
    runs: list[list[int]] = []
    for ordinal in ordinals:
        if runs and ordinal == runs[-1][1] + 1:
            runs[-1][1] = ordinal
        else:
            runs.append([ordinal, ordinal])
    return runs


def tell_audit(journal: Mapping[int, list[int]], wrong: list[str], integrity: str) -> None:
    """Tell which ordinals of each writer are there, and what contradicts itself."""
    runs = {str(writer): as_runs(sorted(ordinals)) for writer, ordinals in journal.items()}
    found = {"journal": runs, "wrong": wrong, "integrity": integrity}
    tell(Word.AUDIT, json.dumps(found, separators=(",", ":")))
