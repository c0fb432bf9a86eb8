"""Writers that contend in lock-step: one thing at a time, in an order that a seed draws.

Real asyncio, real aiosqlite and real SQLite under the simulation, so that time, threads and the
machine have no say: the same seed gives the same counts on every machine and in every repeat.
Each round is the whole run from a new database, once for what SQLite does and once for the Python
calls, which would otherwise be the counters' own; rounds that differ are a failure of ``check``.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks import database, ring
from benchmarks.choices import in_turn
from benchmarks.counting.calls import PythonCalls
from benchmarks.counting.statements import Statements
from benchmarks.counting.syncs import Syncs
from benchmarks.ledger import Entry, Ledger
from benchmarks.samples import jain_index
from benchmarks.subjects import Subject
from benchmarks.tally import REJECTIONS, Tally
from benchmarks.workload import Metric
from fsmcore import FsmCoreError, Lifecycle, Synchronous
from properties.simulation.budget import Budget
from properties.simulation.carriers import Worker
from properties.simulation.scheduler import Point
from properties.simulation.seam import SubmissionQueue
from properties.simulation.simulation import Simulation

SEED = 1
STEP_LIMIT = 10_000_000
WARM_UP_TRANSITIONS = 8
HOP_S = 50e-6
"""Virtual time that one call to a worker's thread takes: about what it does in the ladder."""

Counts = Mapping[str, int]


class Counter(Protocol):
    """Counts one kind of thing inside its block."""

    def reset(self) -> None:
        """Begin again at 0."""
        ...

    def read(self) -> Mapping[str, int]:
        """Return the counts by name."""
        ...


class Evenly:
    """Draws each choice from all that can happen, each as likely as any other.

    Only ``random.random`` is used: it is the one method whose sequence Python promises to keep.
    """

    def __init__(self, seed: int) -> None:
        """Seed a private generator."""
        self._seed = seed

    def begin(self) -> None:
        """Start again from the seed."""
        self._random = random.Random(self._seed)

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002 - the seam's signature
        """Return any of the options."""
        return int(self._random.random() * n)


class _Simulation(Simulation):
    """Counts the threads that would have been started; every call to one takes its time.

    Without that, whoever backs off would sleep until all others had nothing left to do.
    """

    thread_count = 0

    def _call(self, worker: Worker) -> None:
        super()._call(worker)
        self.loop.now_s += HOP_S

    def add_worker(self, body: Callable[[], object], queue: SubmissionQueue) -> Worker:
        self.thread_count += 1
        return super().add_worker(body, queue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """Who contends for what; a subject is made anew for each run."""

    make_subject: Callable[[], Subject]
    writer_count: int
    file_count: int
    transitions_per_round: int
    lifecycle: Lifecycle = ring.RING
    may_reject: bool = False
    seed: int = SEED


class LockStep:
    """A contention, run and counted twice a round."""

    def __init__(
        self,
        contention: Contention,
        labels: Mapping[str, str] | None = None,
        *,
        counts_calls: bool = True,
    ) -> None:
        """Run nothing yet. ``labels`` go into the record as they are."""
        self._counts_calls = counts_calls
        self.transitions_per_round = contention.transitions_per_round
        self._of = contention
        self._labels = dict(labels or {})
        self._rounds: list[Counts] = []
        self._violations: list[str] = []

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Remember where databases go; each run makes its own."""
        self._folder = folder
        self._synchronous = synchronous
        self._numbers = itertools.count()
        # The first run fills the caches of the libraries, which would count as Python calls.
        brief = dataclasses.replace(self._of, transitions_per_round=WARM_UP_TRANSITIONS)
        self._run(PythonCalls(), of=brief)

    def run(self) -> None:
        """Count one run from a new database, and once more for the Python calls."""
        with Syncs(self._folder) as syncs:
            # Entered later than the simulation, which replaces `sqlite3.connect` itself.
            counted = self._run(Statements(), syncs)
        if not self._counts_calls:
            self._rounds.append(counted)
            return
        called = self._run(PythonCalls())
        shared = {name: counted[name] for name in called if name != "python_call_count"}
        if shared != {name: called[name] for name in shared}:
            self._violations.append(f"counting changed the run: {_difference(shared, called)}")
        self._rounds.append({**counted, "python_call_count": called["python_call_count"]})

    def forget(self) -> None:
        """Drop the rounds so far."""
        self._rounds.clear()

    def close(self) -> None:
        """Do nothing: a run closes what it opens."""

    def check(self) -> list[str]:
        """Return what was wrong with any run, and how two rounds differ."""
        found = [
            f"two rounds of one seed differ: {_difference(self._rounds[0], each)}"
            for each in self._rounds[1:]
            if each != self._rounds[0]
        ]
        found += self._violations
        return found if self._rounds else [*found, "no round was run"]

    def metrics(self) -> Mapping[str, Metric]:
        """Return the counts of one round, which are those of every round."""
        return {
            "instrument": "counts",
            **self._labels,
            "seed": self._of.seed,
            "task_count": self._of.writer_count,
            "file_count": self._of.file_count,
            **self._rounds[0],
        }

    def _run(
        self, first: Statements | PythonCalls, *others: Counter, of: Contention | None = None
    ) -> Counts:
        path = self._folder / f"{next(self._numbers):03d}.sqlite3"
        run = _Run(of or self._of, path, database.make(path, self._of.file_count))
        with _Simulation() as simulation:
            simulation.database_path = str(path)
            with contextlib.ExitStack() as counting:
                if isinstance(first, Statements):
                    counting.enter_context(first)
                subject = self._of.make_subject()
                opening = partial(subject.open, path, self._synchronous, run.tally.note_retry)
                simulation.prepare(opening)
                if isinstance(first, PythonCalls):
                    counting.enter_context(first)
                simulation.thread_count = 0
                for each in (first, *others):
                    each.reset()
                run.take(simulation, subject)
                counts = {"thread_count": simulation.thread_count}
                for each in (first, *others):
                    counts |= each.read()
            simulation.prepare(subject.close)
        counts |= run.counts()
        self._violations += run.violations
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        return counts


class _Run:
    """One run: its books, its tally, and what was wrong with it."""

    def __init__(self, contention: Contention, path: Path, keys: Sequence[str]) -> None:
        self.tally = Tally()
        self.violations: list[str] = []
        self._of = contention
        self._path = path
        self._keys = keys
        self._ledger = Ledger(itertools.count(1).__next__)
        self._attempt_ids = ring.attempt_ids()
        self._choice = in_turn(contention.file_count)
        self._shares = [0] * contention.writer_count

    def take(self, simulation: _Simulation, subject: Subject) -> None:
        stock = iter(range(self._of.transitions_per_round))

        async def main() -> None:
            tasks = [
                simulation.expect(f"writer {index}", partial(self._write, subject, index, stock))
                for index in range(self._of.writer_count)
            ]
            await asyncio.wait(tasks)
            await simulation.quiet()
            for task in tasks:
                task.result()

        run = simulation.run(
            main, Evenly(self._of.seed), Budget(step_limit=STEP_LIMIT), main_is_neutral=True
        )
        if run.error is not None:
            raise run.error
        for escape in run.escapes:
            raise escape
        self.violations += [f"the run did not end: {run.stuck}"] if run.stuck else []
        self.violations += [f"{each} outlived the run" for each in run.leaks]

    def counts(self) -> dict[str, int]:
        audit = self._ledger.audit(self._path, self._of.lifecycle)
        self.violations += audit.violations
        return {
            "committed_count": audit.committed_count,
            "attempt_count": len(self._ledger.entries),
            "retry_count": self.tally.retry_count,
            "busy_count": self.tally.busy_count,
            "stale_count": self.tally.stale_count,
            "rejected_count": self.tally.rejected_count,
            "gave_up_count": self.tally.gave_up_count,
            "jain_permille": round(1000 * jain_index(self._shares)),
        }

    async def _write(self, subject: Subject, index: int, stock: Iterator[int]) -> None:
        for ticket in stock:
            key, attempt_id = self._keys[self._choice(ticket)], next(self._attempt_ids)
            moved = None
            called = self._ledger.moment()
            try:
                moved = await subject.transition(key, attempt_id)
            except FsmCoreError as error:
                if not (error.retryable or (self._of.may_reject and isinstance(error, REJECTIONS))):
                    raise
                self.tally.note_end(error)
            else:
                self._shares[index] += 1
            self._ledger.entries.append(
                Entry(attempt_id, f"writer {index}", key, called, self._ledger.moment(), moved)
            )


def _difference(one: Counts, other: Counts) -> str:
    names = [name for name in one if one[name] != other.get(name)]
    return ", ".join(f"{name} {one[name]} and {other.get(name)}" for name in names)
