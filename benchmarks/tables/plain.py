"""The median and the spread of each benchmark, and schedules of the simulation."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Finished
from benchmarks.tables.layout import aligned, share, speed


def simulation(finished: Finished) -> Iterator[str]:
    """Schedules a second, beside the same calls by plain sqlite3 on fresh connections."""
    rows = [("scenario", "schedules/s", "µs each", "± %", "% of plain calls", "calls")]
    for each in finished.results:
        calls = f"{each.extra_info['calls_per_schedule']:.1f}"
        rows.append((each.name, *speed(each), share(each), calls))
    yield from aligned(rows, texts=1)


def lines(finished: Finished) -> Iterator[str]:
    """The median and the spread of each benchmark."""
    rows = [("benchmark", "µs each", "± %", "rounds")]
    rows += [(each.name, *speed(each)[1:], str(len(each.rounds_s))) for each in finished.results]
    yield from aligned(rows, texts=1)
