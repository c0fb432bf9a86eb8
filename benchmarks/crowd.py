"""Many tasks of one process that want to write: what every way of asking for it has in common."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks import database, ring
from benchmarks.choices import Choice, in_turn
from benchmarks.ledger import Entry, Ledger, Moved
from benchmarks.samples import latencies
from benchmarks.subjects import Subject
from benchmarks.tally import Tally
from benchmarks.workload import Metric
from fsmcore import FsmCoreError, Synchronous


class Companion(Protocol):
    """Something else that goes on while the tasks write, and gets in their way."""

    def beside(self, crowd: Crowd) -> contextlib.AbstractAsyncContextManager[None]:
        """Go on for as long as the block runs."""
        ...

    def metrics(self) -> Mapping[str, Metric]:
        """Return what it did."""
        ...


class Crowd:
    """A subject, the files it moves, and the books of what callers were told.

    A way of asking (``ClosedLoop``, ``OpenLoop``) says in ``_ask`` when transitions are wanted.
    Transition n goes to the file that ``choice`` names for n.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        transitions_per_round: int,
        task_count: int = 1,
        file_count: int = 1,
        choice: Choice | None = None,
        companions: Sequence[Companion] = (),
        may_give_up: bool = False,
        seed: int = 0,
    ) -> None:
        """Open nothing yet. ``seed`` makes the attempt ids of one process unlike another's.

        An attempt that gives up takes its time and moves no row, so its round is no figure, unless
        ``may_give_up``: then ``committed_share`` says which part of the round was transitions.
        """
        self.transitions_per_round = transitions_per_round
        self.subject = subject
        self.ledger = Ledger(time.perf_counter_ns)
        self.tally = Tally()
        self.keys: list[str] = []
        self.path = Path()
        self._task_count = task_count
        self._file_count = file_count
        self._choice = choice if choice is not None else in_turn(file_count)
        self._companions = companions
        self._may_give_up = may_give_up
        self._attempt_ids = ring.attempt_ids(seed)
        self._tickets = itertools.count()
        self._committed_count = 0

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database, start an event loop and open the subject in it."""
        path = folder / "crowd.sqlite3"
        self.join(path, database.make(path, self._file_count), synchronous)

    def join(self, path: Path, keys: Sequence[str], synchronous: Synchronous) -> None:
        """Start an event loop and open the subject in it, on a database that is there."""
        self.path, self.keys = path, list(keys)
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self.subject.open(self.path, synchronous, self._note_retry))
        except BaseException:
            self._runner.close()
            raise

    def run(self) -> None:
        """Use up one stock; raises what a task met that trying again cannot heal."""
        try:
            self._runner.run(self._round())
        except BaseExceptionGroup as group:
            raise _first_of(group) from group

    def forget(self) -> None:
        """Drop latencies, shares and counts; what was committed still counts."""
        self.tally = Tally()
        self.ledger.forget()

    def close(self) -> None:
        """Close the subject and the event loop."""
        try:
            self._runner.run(self.subject.close())
        finally:
            self._runner.close()

    def check(self) -> list[str]:
        """Audit the file and the answers, and count those that gave up."""
        audit = self.ledger.audit(self.path)
        self._committed_count = audit.committed_count
        found = audit.violations
        if self.tally.gave_up_count and not self._may_give_up:
            found.append(f"{self.tally.gave_up_count} attempts gave up, and were timed as if not")
        return found

    def metrics(self) -> Mapping[str, Metric]:
        """Return latencies of all attempts, those that gave up too, and what delayed them."""
        noted = [each for each in self.ledger.noted() if not each.is_read]
        moved_count = sum(each.moved is not None for each in noted)
        beside: dict[str, Metric] = {}
        for companion in self._companions:
            beside |= companion.metrics()
        return {
            "task_count": self._task_count,
            "file_count": self._file_count,
            "committed_count": self._committed_count,
            "attempt_count": len(noted),
            "retry_count": self.tally.retry_count,
            "busy_count": self.tally.busy_count,
            "stale_count": self.tally.stale_count,
            "rejected_count": self.tally.rejected_count,
            "cancelled_count": self.tally.cancelled_count,
            "unknown_count": self.tally.unknown_count,
            "gave_up_count": self.tally.gave_up_count,
            "committed_share": moved_count / len(noted),
            "waited_ms": self.tally.waited_ms,
            **latencies([round(each.took / 1000) for each in noted]),
            **beside,
        }

    async def attempt(self, caller: str, ticket: int) -> Moved | None:
        """Make one attempt and note its answer; returns None when it gave up.

        Raises what trying again cannot heal. Safe to cancel: the answer is then noted as unknown,
        which the journal settles in ``check``.
        """
        key = self.keys[self._choice(ticket)]
        attempt_id = next(self._attempt_ids)
        moved, is_unknown = None, False
        called = self.ledger.moment()
        try:
            moved = await self.subject.transition(key, attempt_id)
        except FsmCoreError as error:
            is_unknown = error.outcome_unknown
            if not (error.retryable or is_unknown):
                raise
            self.tally.note_end(error)
        except asyncio.CancelledError as error:
            is_unknown = True
            self.tally.note_end(error)
            raise
        finally:
            entry = (attempt_id, caller, key, called, self.ledger.moment(), moved, is_unknown)
            self.ledger.entries.append(Entry._make((*entry, False)))
        return moved

    def next_ticket(self) -> int:
        """Take a number from the stock that never ends."""
        return next(self._tickets)

    async def _round(self) -> None:
        async with contextlib.AsyncExitStack() as beside:
            for companion in self._companions:
                await beside.enter_async_context(companion.beside(self))
            await self._ask()

    async def _ask(self) -> None:
        """Take one round of transitions."""
        raise NotImplementedError

    def _note_retry(self, error: FsmCoreError, tries: int, wait_ms: float) -> None:
        self.tally.note_retry(error, tries, wait_ms)


@contextlib.asynccontextmanager
async def until_the_end(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    """Let tasks go on beside a block, then stop them; raises what one of them met."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception):
            raise each


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
