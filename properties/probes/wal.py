"""The write-ahead log, which must stay small, and the file, which must stay sound."""

from __future__ import annotations

import os
import sqlite3

AUTOCHECKPOINT_PAGES = 1000
FRAME_BYTES = 4096 + 24
SLACK_FRAMES = 200
LIMIT_BYTES = (AUTOCHECKPOINT_PAGES + SLACK_FRAMES) * FRAME_BYTES
"""At 1000 pages SQLite copies the log back and begins it anew, unless a reader stays."""


def wal_findings(path: str, limit_bytes: int = LIMIT_BYTES) -> list[str]:
    """Return a sentence if the log of ``path`` has outgrown what a checkpoint leaves."""
    try:
        size_bytes = os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        return []
    if size_bytes <= limit_bytes:
        return []
    return [f"the -wal file has {size_bytes:,} bytes, {limit_bytes:,} are the most"]


def integrity_findings(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite's own check has to say, if it is not "ok"."""
    ((told,),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
    return [] if told == "ok" else [f"integrity_check: {told}"]
