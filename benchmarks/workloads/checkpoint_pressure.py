"""Somebody checkpoints as often as SQLite lets them, with the mode that hurts writers most.

``wal_checkpoint(TRUNCATE)`` takes the write lock and waits for readers; a writer who comes
meanwhile is told BUSY, whatever lock he holds in his process. Real systems have this from a backup
job, or from another process whose connection closed last.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Mapping

from benchmarks.closed_loop import ClosedLoop
from benchmarks.crowd import Crowd
from benchmarks.subjects import Subject
from benchmarks.workload import Metric

PAUSE_S = 0.001
CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"


class Checkpointer:
    """A thread of its own with a connection of its own."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._done_count = 0
        self._blocked_count = 0

    @contextlib.asynccontextmanager
    async def beside(self, crowd: Crowd) -> AsyncIterator[None]:
        """Checkpoint inside the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._checkpoint, args=(str(crowd.path), stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _checkpoint(self, path: str, stop: threading.Event) -> None:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
            while not stop.wait(PAUSE_S):
                try:
                    ((is_blocked, _, _),) = db.execute(CHECKPOINT).fetchall()
                except sqlite3.OperationalError:
                    is_blocked = 1
                self._blocked_count += is_blocked
                self._done_count += 1 - is_blocked

    def metrics(self) -> Mapping[str, Metric]:
        """Return how often it got through, and how often somebody was in its way."""
        return {
            "checkpoint_count": self._done_count,
            "checkpoint_blocked_count": self._blocked_count,
        }


def checkpoint_pressure(
    subject: Subject, *, task_count: int, transitions_per_round: int
) -> ClosedLoop:
    """Return it, on as many files as tasks."""
    return ClosedLoop(
        subject,
        transitions_per_round=transitions_per_round,
        task_count=task_count,
        file_count=task_count,
        companions=[Checkpointer()],
        may_give_up=True,
    )
