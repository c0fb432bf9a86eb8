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


STACKED = (
    *("raw_loop", "fresh_connection", "aiosqlite_fresh"),
    *("store", "manager_handrolled", "manager_statemachine"),
)
"""The rungs that lie one upon another: each is the one before it and something more."""

BAR = 40


def lines(finished: Finished) -> Iterator[str]:
    """Each rung beside the raw loop of the same run, then what each one adds."""
    rows = [("rung", "", "transitions/s", "µs each", "± %", "% of raw")]
    rows += [
        (each.full_name, RUNGS.get(each.name, ""), *speed(each), share(each))
        for each in finished.results
    ]
    yield from aligned(rows, texts=2)
    stack = [each for name in STACKED if (each := finished.named(name)) is not None]
    if len(stack) == len(STACKED):
        yield ""
        yield from aligned(list(_stacked([each.each_us for each in stack])), texts=2)


def _stacked(costs_us: list[float]) -> Iterator[tuple[str, ...]]:
    yield ("where the time goes", "", "adds µs", "% of the whole")
    whole, below = costs_us[-1], 0.0
    for name, cost_us in zip(STACKED, costs_us, strict=True):
        added = cost_us - below
        before = round(BAR * below / whole)
        filled = max(0, round(BAR * cost_us / whole) - before)
        bar = f"{' ' * before}{'█' * filled}"
        yield (name, bar.ljust(BAR), f"{added:,.1f}", f"{100 * added / whole:.0f}")
        below = cost_us
