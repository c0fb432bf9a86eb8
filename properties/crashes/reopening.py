"""What real SQLite makes of an image: opened, recovered, read, and closed again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass

from properties.crashes.disk import Image
from properties.history import snapshot


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the file says: rows as ``(file, state, version)``, the journal, or why it says nothing.

    ``entries`` are ``(attempt, file, version, event, from, to)``. Without tables both are empty and
    ``has_tables`` is False. ``damage`` is what integrity_check or an error said.
    """

    has_tables: bool
    rows: frozenset[tuple[str, str, int]] = frozenset()
    entries: frozenset[tuple[str, str, int, str, str, str]] = frozenset()
    damage: str | None = None

    @property
    def attempts(self) -> frozenset[str]:
        """The attempts that are committed."""
        return frozenset(entry[0] for entry in self.entries)


NOTHING = Recovered(has_tables=False)


def write_image(folder: str, image: Image) -> None:
    """Make the folder hold exactly the image."""
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    for name, content in image.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def reopen(folder: str, database: str) -> Recovered:
    """Open the database in ``folder`` as anybody would, and return what it says."""
    path = os.path.join(folder, database)
    if not os.path.exists(path):
        return NOTHING
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
            return read(db)
    except (sqlite3.Error, MemoryError) as error:
        return _damaged(error)


def read(db: sqlite3.Connection) -> Recovered:
    """Return what an open connection reads; errors are returned as damage."""
    try:
        ((tables,),) = db.execute(
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('files', 'transitions')"
        ).fetchall()
        if tables == 0:
            ((integrity,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
            return NOTHING if integrity == "ok" else Recovered(False, damage=integrity)
        seen = snapshot(db)
    except (sqlite3.Error, MemoryError) as error:
        return _damaged(error)
    return Recovered(
        has_tables=True,
        rows=frozenset((key, state, version) for key, (state, version) in seen.rows.items()),
        entries=frozenset(
            (row.attempt_id, row.file_path, row.version, row.event, row.from_state, row.to_state)
            for row in seen.journal
        ),
        damage=None if seen.integrity == "ok" else seen.integrity,
    )


def _damaged(error: BaseException) -> Recovered:
    code = getattr(error, "sqlite_errorcode", None)
    return Recovered(has_tables=False, damage=f"{type(error).__name__} {code}: {error}")
