"""How much a run tries is exact for a given SQLite: a run that tried something else says so."""

from __future__ import annotations

import sqlite3
import tomllib
from pathlib import Path

PINNED = Path(__file__).with_name("pinned.toml")


def unpinned(profile: str, counts: dict[str, int]) -> list[str]:
    """Return one line for each count that is not what this SQLite had when it was pinned.

    Counts that were not taken, and SQLites that were not pinned, are no difference.
    """
    pinned = tomllib.loads(PINNED.read_text("utf-8"))
    expected = pinned.get(sqlite3.sqlite_version, {}).get(profile, {})
    return [
        f"{name}: {counts[name]}, pinned for SQLite {sqlite3.sqlite_version}: {count}"
        for name, count in expected.items()
        if name in counts and counts[name] != count
    ]
