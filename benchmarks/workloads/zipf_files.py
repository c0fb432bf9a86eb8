"""A few files that are moved all the time, and many that are moved now and then."""

from __future__ import annotations

from benchmarks.choices import zipf
from benchmarks.closed_loop import ClosedLoop
from benchmarks.subjects import Subject

FILES = 100


def zipf_files(subject: Subject, *, task_count: int, transitions_per_round: int) -> ClosedLoop:
    """Return it: between the hot file and the many, as real names are."""
    return ClosedLoop(
        subject,
        transitions_per_round=transitions_per_round,
        task_count=task_count,
        file_count=FILES,
        choice=zipf(FILES),
        may_give_up=True,
    )
