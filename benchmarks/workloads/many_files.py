"""As many files as anybody wants, moved in turn: tasks meet in the database, never in a row."""

from __future__ import annotations

from benchmarks.closed_loop import ClosedLoop
from benchmarks.subjects import Subject

FILES = 100


def many_files(subject: Subject, *, task_count: int, transitions_per_round: int) -> ClosedLoop:
    """Return it: what is left to contend for is SQLite's one write lock."""
    return ClosedLoop(
        subject,
        transitions_per_round=transitions_per_round,
        task_count=task_count,
        file_count=FILES,
        may_give_up=True,
    )
