"""One file that every task wants to move."""

from __future__ import annotations

from benchmarks.closed_loop import ClosedLoop
from benchmarks.subjects import Subject


def hot_file(subject: Subject, *, task_count: int, transitions_per_round: int) -> ClosedLoop:
    """Return it: every transition meets every other one."""
    return ClosedLoop(
        subject,
        transitions_per_round=transitions_per_round,
        task_count=task_count,
        may_give_up=True,
    )
