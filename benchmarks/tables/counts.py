"""What a transition does, for each that was committed; exact, so no spread is shown."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Finished, Result
from benchmarks.tables.layout import aligned

PER_TRANSITION = {
    "connect_count": "connects",
    "thread_count": "threads",
    "statement_count": "statements",
    "vdbe_step_count": "VDBE steps",
    "python_call_count": "Python calls",
    "fsync_count": "fsyncs",
}
OF_THE_RUN = {
    "sqlite_busy_count": "BUSY",
    "busy_snapshot_count": "BUSY_SNAPSHOT",
    "stale_count": "stale",
    "retry_count": "retries",
    "rejected_count": "rejected",
    "gave_up_count": "gave up",
}


def each(result: Result, name: str) -> float:
    """Return a count for one committed transition."""
    return float(result.extra_info[name]) / float(result.extra_info["committed_count"])


def lines(finished: Finished) -> Iterator[str]:
    """One line a cell: per committed transition, and then what went wrong on the way to one."""
    heads = (*PER_TRANSITION.values(), *OF_THE_RUN.values())
    rows: list[tuple[str, ...]] = [("per commit:", "through", "writers", "files", *heads, "Jain")]
    for result in finished.results:
        info = result.extra_info
        rows.append(
            (
                result.name,
                f"{info['way']}, {info['adapter']}",
                str(info["task_count"]),
                str(info["file_count"]),
                *(f"{each(result, name):,.4g}" for name in (*PER_TRANSITION, *OF_THE_RUN)),
                f"{info['jain_permille'] / 1000:.3f}",
            )
        )
    yield from aligned(rows, texts=2)


def syncs(finished: Finished) -> Iterator[str]:
    """What a commit waits for, and beside it what checkpoints ask for."""
    heads = ("of the WAL", "of the folder", "checkpoints", "their syncs", "WAL starts' syncs")
    rows: list[tuple[str, ...]] = [
        ("through", "synchronous", "writers", "fsyncs a commit", *heads, "on")
    ]
    for result in finished.results:
        info = result.extra_info
        rows.append(
            (
                info["way"],
                info["synchronous"],
                str(info["task_count"]),
                *(
                    f"{each(result, name):.4g}"
                    for name in ("fsync_count", "wal_sync_count", "folder_sync_count")
                ),
                str(info["checkpoint_count"]),
                str(info["checkpoint_sync_count"]),
                str(info["wal_start_sync_count"]),
                str(info["database_filesystem"]),
            )
        )
    yield from aligned(rows, texts=2)
    yield "  A connection's first sync of the WAL that it has opened takes the folder along."
    yield "  So under FULL a fresh connection waits twice and a kept one once; under NORMAL only"
    yield "  checkpoints wait, and the commit that starts the WAL anew after one."
