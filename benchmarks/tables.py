"""The tables at the end of a run, as plain text: this environment holds no renderer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.results import Finished, Result
from reports.schema import Figure

_RUNGS = {
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


def ladder(finished: Finished) -> Iterator[str]:
    """Each rung beside the raw loop of the same run."""
    rows = [("rung", "", "transitions/s", "µs each", "± %", "% of raw")]
    for each in finished.results:
        figures = (f"{each.per_s:,.0f}", f"{each.each_us:,.1f}", f"{each.spread_percent:.0f}")
        rows.append((each.name, _RUNGS.get(each.name, ""), *figures, _share(each)))
    yield from _aligned(rows, texts=2)


def contention(finished: Finished) -> Iterator[str]:
    """Throughput, what delayed it, latencies and fairness, by tasks and files."""
    head = ("through", "tasks", "files", "transitions/s", "% of raw", "retries")
    rows: list[tuple[str, ...]] = [
        (*head, "busy", "stale", "gave up", "p50 ms", "p99 ms", "max ms", "Jain")
    ]
    for each in sorted(finished.results, key=_by_load):
        info = each.extra_info
        counts = ("retry_count", "busy_count", "stale_count", "gave_up_count")
        latencies = ("latency_p50_us", "latency_p99_us", "latency_max_us")
        rows.append(
            (
                each.name,
                *(str(info[name]) for name in ("task_count", "file_count")),
                f"{each.per_s:,.0f}",
                _share(each),
                *(f"{info[name]:,}" for name in counts),
                *(f"{info[name] / 1000:,.1f}" for name in latencies),
                f"{info['jain_index']:.3f}",
            )
        )
    yield from _aligned(rows, texts=1)


def simulation(finished: Finished) -> Iterator[str]:
    """Schedules a second, beside the same calls by plain sqlite3 on fresh connections."""
    rows = [("scenario", "schedules/s", "µs each", "± %", "% of plain calls", "calls")]
    for each in finished.results:
        figures = (f"{each.per_s:,.0f}", f"{each.each_us:,.1f}", f"{each.spread_percent:.0f}")
        calls = f"{each.extra_info['calls_per_schedule']:.1f}"
        rows.append((each.name, *figures, _share(each), calls))
    yield from _aligned(rows, texts=1)


def plain(finished: Finished) -> Iterator[str]:
    """The median and the spread of each benchmark."""
    rows = [("benchmark", "µs each", "± %", "rounds")]
    for each in finished.results:
        figures = (f"{each.each_us:,.1f}", f"{each.spread_percent:.0f}", str(len(each.rounds_s)))
        rows.append((each.name, *figures))
    yield from _aligned(rows, texts=1)


def missing(finished: Finished) -> Iterator[str]:
    """What gave no figure, and why: a table that is shorter than it should be must say so."""
    for name, why in finished.not_measured.items():
        yield f"  not measured: {name.rpartition('::test_')[2]}: {why}"


def heading(group: str, finished: Finished) -> str:
    """Say what the figures below were measured on."""
    seen = finished.environment
    versions = seen.versions()
    names = ("python", "sqlite", "aiosqlite", "python-statemachine")
    libraries = ", ".join(f"{name} {versions.get(name, '?')}" for name in names)
    level = next((each.extra_info["synchronous"] for each in finished.results), "?")
    load = "?" if seen.load_average is None else f"{seen.load_average[0]:.1f}"
    return (
        f"{group}: {libraries}; "
        f"databases on {seen.database_filesystem or 'an unknown file system'}, "
        f"synchronous {level}; {seen.cpu_count} CPUs, load {load}"
    )


def figures(group: str, finished: Finished) -> dict[str, Figure]:
    """The same numbers by name, for the record."""
    found: dict[str, Figure] = {}
    for each in finished.results:
        info = each.extra_info
        name = f"{group}.{each.name}"
        if group == "contention":
            name += f".{info['task_count']}_tasks.{info['file_count']}_files"
        found[f"{name}.per_s"] = round(each.per_s, 1)
        found[f"{name}.each_us"] = round(each.each_us, 2)
        if each.percent_of_raw is not None:
            found[f"{name}.percent_of_raw"] = round(each.percent_of_raw, 2)
        if group == "contention":
            wanted = ("retry_count", "busy_count", "stale_count", "gave_up_count", "jain_index")
            latencies = ("latency_p50_us", "latency_p99_us", "latency_max_us")
            found |= {f"{name}.{metric}": info[metric] for metric in (*wanted, *latencies)}
    return found


TABLES = {
    "ladder": ladder,
    "contention": contention,
    "gate": plain,
    "simulation": simulation,
}


def _share(each: Result) -> str:
    return "-" if each.percent_of_raw is None else f"{each.percent_of_raw:.1f}"


def _by_load(each: Result) -> tuple[str, int, int]:
    return each.name, each.extra_info["file_count"], each.extra_info["task_count"]


def _aligned(rows: Sequence[Sequence[str]], *, texts: int) -> Iterator[str]:
    """The first ``texts`` columns to the left, the others, numbers, to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()
