"""Throughput, what delayed it, latencies and fairness, by tasks and files."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Finished, Result
from benchmarks.tables.layout import aligned, share


def lines(finished: Finished) -> Iterator[str]:
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
                share(each),
                *(f"{info[name]:,}" for name in counts),
                *(f"{info[name] / 1000:,.1f}" for name in latencies),
                f"{info['jain_index']:.3f}",
            )
        )
    yield from aligned(rows, texts=1)


def _by_load(each: Result) -> tuple[str, int, int]:
    return each.name, each.extra_info["file_count"], each.extra_info["task_count"]
