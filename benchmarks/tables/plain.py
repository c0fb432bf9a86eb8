"""The median and the spread of each benchmark, and schedules of the simulation."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Finished
from benchmarks.tables.layout import aligned, share, speed

PROBES = ("objects", "sqlite_bytes", "resident_bytes")


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


def growth(finished: Finished) -> Iterator[str]:
    """Each size of the table beside one of a hundred files, round by round."""
    head = ("model", "files", "µs each", "± %", "times as long as with 100 files")
    rows = [(*head, "times the CPU time")]
    for each in finished.results:
        percents = (each.percent_of_raw, each.percent_of_raw_by_cpu)
        times = ["-" if percent is None else f"{100 / percent:.2f}" for percent in percents]
        info = each.extra_info
        rows.append((info["way"], f"{info['file_count']:,}", *speed(each)[1:], *times))
    yield from aligned(rows, texts=1)


def memory(finished: Finished) -> Iterator[str]:
    """What a transition leaves behind, by each probe: the slope of the second half."""
    head = ("model", "transitions", "objects each", "SQLite bytes each", "resident bytes each")
    rows = [(*head, "resident MiB, first and last")]
    for each in finished.results:
        info = each.extra_info
        ends = [f"{info[f'{end}_resident_bytes'] / 2**20:.1f}" for end in ("first", "last")]
        slopes = [
            f"{info[f'{name}_each']:.4f} ± {info[f'{name}_each_error']:.1g}" for name in PROBES
        ]
        rows.append((info["way"], f"{info['committed_count']:,}", *slopes, ", ".join(ends)))
    yield from aligned(rows, texts=1)
