"""Throughput, what delayed it, latencies and fairness, by what gets in the writers' way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.results import Finished, Result
from benchmarks.tables.layout import aligned, share


def lines(finished: Finished) -> Iterator[str]:
    """One line a cell; the last column says what the others of the workload did."""
    head = ("asked", "through", "model", "tasks", "files", "commits/s", "% of raw", "retries")
    rows: list[tuple[str, ...]] = [
        (*head, "busy", "stale", "gave up", "p50 ms", "p99 ms", "max ms", "Jain", "beside it")
    ]
    for each in sorted(finished.results, key=_by_load):
        info = each.extra_info
        counts = ("retry_count", "busy_count", "stale_count", "gave_up_count")
        latencies = ("latency_p50_us", "latency_p99_us", "latency_max_us")
        rows.append(
            (
                str(info.get("asked", "")),
                each.name,
                str(info.get("way", "")),
                *(str(info[name]) for name in ("task_count", "file_count")),
                f"{info['throughput_per_s']:,.0f}",
                share(each),
                *(f"{info[name]:,}" for name in counts),
                *(f"{info[name] / 1000:,.1f}" for name in latencies),
                f"{info['jain_index']:.3f}",
                _beside(info),
            )
        )
    yield from aligned(rows, texts=3)


def _beside(info: Mapping[str, Any]) -> str:
    if info.get("read_count"):
        return f"{info['read_count']:,} reads, p99 {info['read_p99_us'] / 1000:,.1f} ms"
    if "checkpoint_blocked_count" in info:
        return f"{info['checkpoint_count']} checkpoints, {info['checkpoint_blocked_count']} blocked"
    if info.get("cancelled_count"):
        return f"{info['cancelled_count']} cancelled"
    if "process_count" in info:
        return f"{info['process_count']} processes"
    return ""


def _by_load(each: Result) -> tuple[str, str, str, int, int]:
    info = each.extra_info
    return (
        str(info.get("asked", "")),
        each.name,
        str(info.get("way", "")),
        info["file_count"],
        info["task_count"],
    )
