"""The tables at the end of a run, as plain text: this environment holds no renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks.results import Finished
from benchmarks.tables import contention, counts, ladder, plain, scaling
from reports.schema import Figure

Table = Callable[[Finished], Iterator[str]]

TABLES: Mapping[str, Table] = {
    "contention": contention.lines,
    "counts": counts.lines,
    "growth": plain.growth,
    "ladder": ladder.lines,
    "memory": plain.memory,
    "scaling": scaling.lines,
    "simulation": plain.simulation,
    "syncs": counts.syncs,
}


def table(group: str, finished: Finished) -> Iterator[str]:
    """Return the table of a group, or of any group that has none of its own."""
    return TABLES.get(group, plain.lines)(finished)


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
    levels = sorted({each.extra_info["synchronous"] for each in finished.results})
    load = "?" if seen.load_average is None else f"{seen.load_average[0]:.1f}"
    return (
        f"{group}: {libraries}; "
        f"databases on {seen.database_filesystem or 'an unknown file system'}, "
        f"synchronous {' and '.join(levels) or '?'}; {seen.cpu_count} CPUs, load {load}"
    )


IN_THE_RECORD = (
    *(*counts.PER_TRANSITION, *counts.OF_THE_RUN),
    *("committed_count", "checkpoint_count", "checkpoint_sync_count", "busy_count"),
    *("objects_each", "sqlite_bytes_each", "resident_bytes_each"),
    *("wal_sync_count", "folder_sync_count", "jain_index"),
    *("throughput_per_s", "rate_per_s", "cancelled_count", "read_count"),
    *("latency_p50_us", "latency_p99_us", "latency_max_us"),
    *("response_p50_us", "response_p99_us", "response_max_us"),
)
"""Metrics that stand in the session's record too; all others are in the group's own file."""


def figures(group: str, finished: Finished) -> dict[str, Figure]:
    """The same numbers by name, for the record."""
    found: dict[str, Figure] = {}
    for each in finished.results:
        info = each.extra_info
        name = f"{group}.{each.full_name}"
        if info.get("instrument") != "counts":
            found[f"{name}.per_s"] = round(each.per_s, 1)
            found[f"{name}.each_us"] = round(each.each_us, 2)
        if each.percent_of_raw is not None:
            found[f"{name}.percent_of_raw"] = round(each.percent_of_raw, 2)
        found |= {f"{name}.{metric}": info[metric] for metric in IN_THE_RECORD if metric in info}
    return found | (scaling.figures(finished) if group == "scaling" else {})
