"""Where the time goes: each rung beside the raw loop of the same run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from benchmarks.results import Finished, Result
from benchmarks.tables.layout import aligned, share, share_by_cpu, speed

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
    *("raw_loop", "fresh_connection", "store"),
    *("manager_handrolled", "manager_statemachine"),
)
"""The rungs that lie one upon another: each is the one before it and something more.

aiosqlite statement by statement is beside them: the store sends it a whole transaction.
"""

BAR = 40

AT_LEAST_PERCENT = {
    ("per-transition", 1): 6.0,
    ("per-transition", 32): 5.0,
    ("direct", 1): 15.0,
    ("direct", 32): 12.0,
    ("pooled", 32): 45.0,
    ("single-writer", 32): 70.0,
    ("group-commit", 32): 200.0,
}
"""What each model is meant to reach of the raw loop, by the number of tasks."""


def lines(finished: Finished) -> Iterator[str]:
    """Each rung beside the raw loop of the same run, then what each one adds."""
    rows = [("rung", "", "transitions/s", "µs each", "± %", "% of raw")]
    models = [each for each in finished.results if each.name in ("model", "limit")]
    rows += [
        (each.name, RUNGS.get(each.name, ""), *speed(each), share(each))
        for each in finished.results
        if each not in models
    ]
    yield from aligned(rows, texts=2)
    stack = [each for name in STACKED if (each := finished.named(name)) is not None]
    if len(stack) == len(STACKED):
        yield ""
        yield from aligned(list(_stacked([each.each_us for each in stack])), texts=2)
    if models:
        yield ""
        yield from aligned(list(_models(models)), texts=1)


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


def _models(results: list[Result]) -> Iterator[tuple[str, ...]]:
    head = ("the store by model", "tasks", "transitions/s", "± %", "% of raw", "aim", "busy")
    yield (*head, "Jain", "p50 ms", "p99 ms", "p99/p50", "CPU %", "loop µs", "threads µs")
    for each in results:
        info = each.extra_info
        percent, aim = each.percent_of_raw, AT_LEAST_PERCENT.get((info["way"], info["task_count"]))
        told = (
            "-" if aim is None or percent is None else f"{aim:.0f}{' ' if percent >= aim else '!'}"
        )
        waits = [info[f"latency_{label}_us"] / 1000 for label in ("p50", "p99")]
        yield (
            info["way"],
            str(info["task_count"]),
            *(speed(each)[0], speed(each)[2], share(each), told),
            str(info["busy_count"]),
            f"{info['jain_index']:.3f}",
            *(f"{wait:,.2f}" for wait in waits),
            f"{waits[1] / waits[0]:.1f}",
            share_by_cpu(each),
            *_cpu_us(info),
        )


def _cpu_us(info: Mapping[str, list[float]]) -> tuple[str, str]:
    """CPU time of a transition, in the event loop's thread and in others."""
    if "own_cpu_rounds_s" not in info:
        return "-", "-"
    own_s, all_s = (statistics.median(info[f"{of}cpu_rounds_s"]) for of in ("own_", ""))
    return f"{own_s * 1e6:,.1f}", f"{(all_s - own_s) * 1e6:,.1f}"
