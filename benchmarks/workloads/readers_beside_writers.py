"""Tasks that read rows all the time, beside tasks that move them.

In WAL mode readers and a writer do not wait for each other; what they share is the event loop, the
threads and the interpreter's lock. Every answer of a reader goes into the ledger: a read that no
order of the writes explains leaves no figure.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from benchmarks.closed_loop import ClosedLoop
from benchmarks.crowd import Crowd, until_the_end
from benchmarks.ledger import Entry, Moved
from benchmarks.samples import latencies
from benchmarks.subjects import Subject
from benchmarks.workload import Metric
from fsmcore import FileRow

READERS = 4
FILES = 4


@runtime_checkable
class Readable(Protocol):
    """A subject whose rows can be read."""

    async def read(self, key: str) -> FileRow:
        """Return the row of ``key``."""
        ...


class Readers:
    """So many tasks that read one file after the other for as long as the writers write."""

    def __init__(self, count: int) -> None:
        """Read nothing yet."""
        self._count = count
        self._numbers = itertools.count()
        self._waited_us: list[int] = []

    def beside(self, crowd: Crowd) -> contextlib.AbstractAsyncContextManager[None]:
        """Read inside the block."""
        tasks = [asyncio.create_task(self._read(crowd, index)) for index in range(self._count)]
        return until_the_end(*tasks)

    async def _read(self, crowd: Crowd, index: int) -> None:
        subject, ledger = crowd.subject, crowd.ledger
        if not isinstance(subject, Readable):
            raise TypeError(f"{type(subject).__name__} cannot be read")
        while True:
            number = next(self._numbers)
            key = crowd.keys[number % len(crowd.keys)]
            called = ledger.moment()
            row = await subject.read(key)
            seen = Moved(row.state, row.state, row.version)
            entry = Entry(
                f"read {number}", f"reader {index}", key, called, ledger.moment(), seen, False, True
            )
            ledger.entries.append(entry)
            self._waited_us.append(round(entry.took / 1000))

    def metrics(self) -> Mapping[str, Metric]:
        """Return how many reads there were, and what they waited."""
        return {
            "read_count": len(self._waited_us),
            "reader_count": self._count,
            **latencies(self._waited_us, "read"),
        }


def readers_beside_writers(
    subject: Subject, *, task_count: int, transitions_per_round: int
) -> ClosedLoop:
    """Return it: half of the tasks, at least one, write to a few files that four others read."""
    return ClosedLoop(
        subject,
        transitions_per_round=transitions_per_round,
        task_count=max(1, task_count // 2),
        file_count=FILES,
        companions=[Readers(READERS)],
        may_give_up=True,
    )
