"""What stands on the page: chosen from the records of the groups, each section alone optional."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.documents.charts import Series, Stack, over_counts, stacked
from reports.documents.model import Case, CaseOutcome, Document, Section, Table
from reports.documents.rounds import cell, each_us, percent_of_raw
from reports.documents.scaling import scaling
from reports.documents.surroundings import ran_on
from reports.load import Benchmark, BenchmarkFile, short_name
from reports.schema import Figure, SessionRecord

LADDER = (
    ("raw_loop", "SQLite"),
    ("fresh_connection", "a fresh connection"),
    ("store", "the store: aiosqlite, a thread, hops"),
    ("manager_handrolled", "the manager"),
    ("manager_statemachine", "python-statemachine"),
)
"""The rungs that lie one upon another, and what each adds to the one below."""


def benchmarks(record: SessionRecord, groups: Mapping[str, BenchmarkFile]) -> Document:
    """What a transition costs and does, group by group; doubts are notes."""
    doubts = [
        line
        for name, value in record.figures.items()
        if name.endswith(".doubts") and isinstance(value, str)
        for line in value.split(" | ")
        if line
    ]
    return Document(
        name=record.name,
        title="What a transition costs",
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=[
            *sections(groups, record.figures),
            Section(
                title="What it ran on",
                sentence=LIMITS,
                tables=[ran_on(record.environment)],
                is_folded=True,
            ),
        ],
        notes=doubts,
        cases=[
            Case(
                group=f"benchmarks.{group}",
                name=cell(each),
                outcome=CaseOutcome.PASSED,
                message="measured",
                elapsed_s=sum(each.rounds_s),
            )
            for group, file in groups.items()
            for each in file.benchmarks.values()
        ],
    )


LIMITS = (
    "Rates of two runs are not comparable: the machine is shared and its speed drifts. Shares of "
    "the raw loop, counts and shapes are; a verdict on an upgrade needs the gate. Dashed curves: "
    "the Universal Scalability Law (N. J. Gunther, 2007) fitted to the marks."
)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(heads=heads, rows=rows, numeric=frozenset(range(1, len(heads))))


def sections(
    groups: Mapping[str, BenchmarkFile], figures: Mapping[str, Figure]
) -> Iterator[Section]:
    """Yield the sections of the groups that were measured, in the order of a reader's questions."""
    if "ladder" in groups:
        yield _ladder(_all(groups["ladder"]))
    if "scaling" in groups:
        yield from scaling(_all(groups["scaling"]), figures)
    if "counts" in groups:
        yield from _counts(_all(groups["counts"]))
    if "syncs" in groups:
        yield _syncs(_all(groups["syncs"]))
    for name, file in groups.items():
        if name not in ("ladder", "scaling", "counts", "syncs"):
            yield _others(name, _all(file))


def _all(file: BenchmarkFile) -> list[Benchmark]:
    return list(file.benchmarks.values())


def _ladder(found: Sequence[Benchmark]) -> Section:
    by_name = {short_name(each.name): each for each in found}
    steps = [(by_name[name], what) for name, what in LADDER if name in by_name]
    layers, below = [], 0.0
    for each, what in steps:
        layers.append((what, each_us(each) - below))
        below = each_us(each)
    rows = [
        (cell(each), f"{each_us(each):,.1f}", f"{1e6 / each_us(each):,.0f}", percent_of_raw(each))
        for each in found
    ]
    return Section(
        title="Where the time goes",
        sentence="One task, one file, the same statements, one layer more on each rung.",
        drawings=[Stack(title="Where the time of one transition goes", segments=stacked(layers))],
        tables=[_table(("rung", "µs each", "transitions/s", "% of raw"), rows)],
    )


COUNTS = {
    "connect_count": "connects",
    "thread_count": "threads",
    "statement_count": "statements",
    "vdbe_step_count": "VDBE steps",
    "python_call_count": "Python calls",
    "sqlite_busy_count": "BUSY",
    "busy_snapshot_count": "BUSY_SNAPSHOT",
    "stale_count": "stale",
    "retry_count": "retries",
    "rejected_count": "rejected",
}


def _per_commit(info: Mapping[str, Any], name: str) -> float:
    return float(info[name]) / max(1, int(info["committed_count"]))


def _counts(found: Sequence[Benchmark]) -> Iterator[Section]:
    writers = [each for each in found if short_name(each.name) == "writers"]
    series = [
        Series(
            name=f"{way}, {files} files",
            points=[
                (float(each.extra_info["task_count"]), _per_commit(each.extra_info, "retry_count"))
                for each in writers
                if (each.extra_info["way"], each.extra_info["file_count"]) == (way, files)
            ],
        )
        for way, files in dict.fromkeys(
            (each.extra_info["way"], each.extra_info["file_count"]) for each in writers
        )
        if "unlocked" in way
    ]
    chart = over_counts(
        "Retries for each commit where no lock spares the race",
        "retries",
        series,
        x_label="writers",
    )
    rows = [
        (cell(each), *(f"{_per_commit(each.extra_info, name):,.4g}" for name in COUNTS))
        for each in found
    ]
    yield Section(
        title="What a transition does",
        sentence="Counted in lock-step, for each that was committed: the same on every machine.",
        drawings=[chart] if chart is not None else [],
        tables=[_table(("writers, files", *COUNTS.values()), rows)],
    )


def _syncs(found: Sequence[Benchmark]) -> Section:
    names = ("fsync_count", "wal_sync_count", "folder_sync_count")
    rows = [
        (
            cell(each),
            str(each.extra_info["synchronous"]),
            *(f"{_per_commit(each.extra_info, name):.4g}" for name in names),
            str(each.extra_info["checkpoint_count"]),
            str(each.extra_info["checkpoint_sync_count"]),
            str(each.extra_info["wal_start_sync_count"]),
        )
        for each in found
    ]
    heads = ("model", "level", "fsyncs a commit", "of the WAL", "of the folder", "checkpoints")
    return Section(
        title="Waiting for the disk",
        sentence="Syncs for each commit, counted; those of checkpoints and of a WAL's start apart.",
        tables=[_table((*heads, "their syncs", "WAL starts' syncs"), rows)],
    )


def _others(name: str, found: Sequence[Benchmark]) -> Section:
    rows = [
        (cell(each), f"{each_us(each):,.1f}", percent_of_raw(each), *_delays(each.extra_info))
        for each in found
    ]
    heads = ("cell", "µs each", "% of raw", "retries", "busy", "stale", "p50 ms", "p99 ms", "Jain")
    return Section(
        title=name.capitalize(),
        sentence="Every cell of the group, as measured.",
        tables=[_table(heads, rows)],
    )


def _delays(info: Mapping[str, Any]) -> list[str]:
    counts = [str(info.get(f"{name}_count", "-")) for name in ("retry", "busy", "stale")]
    waits = [
        f"{info[name] / 1000:,.1f}" if name in info else "-"
        for name in ("latency_p50_us", "latency_p99_us")
    ]
    return [*counts, *waits, f"{info['jain_index']:.3f}" if "jain_index" in info else "-"]
