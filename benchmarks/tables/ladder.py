"""Where the time goes: each rung beside the raw loop of the same run."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Finished
from benchmarks.tables.layout import aligned, share, speed

RUNGS = {
    "raw_loop": "sqlite3, one open connection (the limit)",
    "fresh_connection": "sqlite3, a connection each",
    "aiosqlite_kept": "aiosqlite, one open connection",
    "aiosqlite_fresh": "aiosqlite, a connection each",
    "store": "store: compare-and-set, journal",
    "manager_handrolled": "manager, hand-rolled machine",
    "manager_statemachine": "manager, python-statemachine",
    "machine_handrolled": "hand-rolled machine, no database",
    "machine_statemachine": "python-statemachine, no database",
}


def lines(finished: Finished) -> Iterator[str]:
    """Each rung beside the raw loop of the same run."""
    rows = [("rung", "", "transitions/s", "µs each", "± %", "% of raw")]
    rows += [
        (each.name, RUNGS.get(each.name, ""), *speed(each), share(each))
        for each in finished.results
    ]
    yield from aligned(rows, texts=2)
