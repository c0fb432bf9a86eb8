"""What real SQLite makes of an image: opened, recovered, read, and closed again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from typing import Any

from properties.crashes.disk import Image
from properties.subjects import Layout

NO_TABLE = "no such table: "


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the file says: rows as ``(file, state, version)``, the journal, or why it says nothing.

    ``entries`` are ``(attempt, file, version, event, from, to)``. What stands in a table that is
    not there is empty, and the table is among ``missing``. ``damage`` is what integrity_check or an
    error said. ``has_journal`` is whether such a file has one at all.
    """

    missing: tuple[str, ...] = ()
    rows: frozenset[tuple[str, str, int]] = frozenset()
    entries: frozenset[tuple[str, str, int, str, str, str]] = frozenset()
    damage: str | None = None
    has_journal: bool = True

    @property
    def attempts(self) -> frozenset[str]:
        """The attempts that are committed."""
        return frozenset(entry[0] for entry in self.entries)


def write_image(folder: str, image: Image) -> None:
    """Make the folder hold exactly the image."""
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    for name, content in image.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def reopen(folder: str, database: str, layout: Layout) -> Recovered:
    """Open the database in ``folder`` as anybody would, and return what it says.

    No file says what an empty one says.
    """
    path = os.path.join(folder, database)
    if not os.path.exists(path):
        path = ":memory:"
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
            return read(db, layout)
    except (sqlite3.Error, MemoryError) as error:
        return _damaged(error)


def read(db: sqlite3.Connection, layout: Layout) -> Recovered:
    """Return what an open connection reads in one snapshot; errors are returned as damage.

    A subject may make its tables in a commit each: which are there is asked of each one alone.
    """
    missing: list[str] = []
    try:
        db.execute("BEGIN")
        try:
            rows = _selected(db, layout.rows, missing)
            entries = [] if layout.journal is None else _selected(db, layout.journal, missing)
            ((integrity,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
        finally:
            db.execute("ROLLBACK")
    except (sqlite3.Error, MemoryError) as error:
        return _damaged(error)
    return Recovered(
        missing=tuple(missing),
        rows=frozenset(rows),
        entries=frozenset(entries),
        damage=None if integrity == "ok" else integrity,
        has_journal=layout.journal is not None,
    )


def _selected(db: sqlite3.Connection, select: str, missing: list[str]) -> list[Any]:
    try:
        return db.execute(select).fetchall()
    except sqlite3.OperationalError as error:
        if not str(error).startswith(NO_TABLE):
            raise
        missing.append(str(error).removeprefix(NO_TABLE))
        return []


def _damaged(error: BaseException) -> Recovered:
    code = getattr(error, "sqlite_errorcode", None)
    return Recovered(damage=f"{type(error).__name__} {code}: {error}")
