"""A small workload that can be run again and again: attempts on one file, and what came of them.

The same scenario runs in the simulation, from a file kept open between runs (fast) or from the
very same bytes each time (exact), and on stock asyncio with real threads.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

from properties.simulation import clock
from properties.simulation.budget import Budget
from properties.simulation.run import Run
from properties.simulation.scheduler import Scheduler
from properties.simulation.simulation import Simulation

Attempt = tuple[str, Callable[[], Coroutine[Any, Any, object]]]

RUNS_BETWEEN_CHECKPOINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a scenario runs. ``simulation`` is None on stock asyncio."""

    path: str
    simulation: Simulation | None = None

    def now(self) -> datetime:
        """Return the time: virtual, or on stock asyncio always the same."""
        now_s = 0.0 if self.simulation is None else self.simulation.read_clock()
        return clock.EPOCH + timedelta(seconds=now_s)

    def note(self, what: object, result: object = None) -> None:
        """Write a domain step into the transcript, where there is one."""
        if self.simulation is not None:
            self.simulation.note(what, result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to, as far as anybody outside can tell. Equal outcomes compare equal."""

    answers: tuple[tuple[str, str], ...]
    rows: tuple[tuple[object, ...], ...]
    lock_is_held: bool = False
    stuck: bool = False
    leak_count: int = 0

    def __str__(self) -> str:
        """Return one line."""
        answers = ", ".join(f"{name}: {answer}" for name, answer in self.answers)
        rows = " ".join(repr(row) for row in self.rows)
        flags = [
            text
            for text, is_set in (
                ("write lock still held", self.lock_is_held),
                ("stuck", self.stuck),
                (f"{self.leak_count} workers left running", bool(self.leak_count)),
            )
            if is_set
        ]
        return "; ".join([answers, rows, *flags])


Law = Callable[[Outcome], str | None]
"""Returns what an outcome breaks, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Attempts that contend, the rows they start from, and the law that must hold after.

    ``attempts`` get what ``open`` returned. ``observe_sql`` reads what matters, in a stable order;
    ``reset_sql`` brings the rows back without a new file. ``is_broken`` says that the law does not
    hold, on purpose: a search that finds nothing is the failure then.
    """

    name: str
    sentence: str
    create_sql: str
    reset_sql: str
    observe_sql: str
    attempts: Callable[[Any, Setting], Sequence[Attempt]]
    open: Callable[[Setting], Awaitable[Any]] | None = None
    close: Callable[[Any], Awaitable[object]] | None = None
    budget: Budget = field(default_factory=Budget)
    law: Law | None = None
    is_broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a scenario, its outcome, and what that broke."""

    scenario: Scenario
    run: Run[Any]
    outcome: Outcome
    violation: str | None
    database_digest: str | None = None


async def _answer(setting: Setting, work: Callable[[], Coroutine[Any, Any, object]]) -> str:
    setting.note("starts")
    try:
        answer = str(await work())
    except asyncio.CancelledError:
        answer = "CancelledError"
    except Exception as error:  # noqa: BLE001 - its name is the answer
        answer = type(error).__name__
    setting.note("ends", answer)
    return answer


class _IntoTranscript(logging.Handler):
    """Keeps what the core logs where it belongs, and out of the search's output."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(logging.WARNING)
        self._simulation = simulation

    def emit(self, record: logging.LogRecord) -> None:
        self._simulation.note(f"log: {record.getMessage()}")


LOGGERS = ("fsmcore", "asyncio", "aiosqlite")


class Stage:
    """A database file and a simulation on which one scenario is run many times.

    ``fresh`` starts every run from the same bytes and opens and closes everything inside the run:
    exact to the last byte, and slower.
    """

    def __init__(
        self, scenario: Scenario, *, carrier_name: str = "inline", fresh: bool = False
    ) -> None:
        """Create nothing yet."""
        self.scenario = scenario
        self.simulation = Simulation(carrier_name=carrier_name)
        self._fresh = fresh
        self._folder = ""
        self._template = ""
        self._handler = _IntoTranscript(self.simulation)
        self._keeper: sqlite3.Connection | None = None
        self._subject: Any = None
        self._is_open = False
        self._setting = Setting(path="")
        self._run_count = 0

    def __enter__(self) -> Self:
        """Make the file, and open the subject where it lasts. What fails leaves nothing behind."""
        try:
            self._enter()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _enter(self) -> None:
        self._folder = _memory_folder()
        path = os.path.join(self._folder, "rows.db")
        self._setting = Setting(path=path, simulation=self.simulation)
        create_database(path, self.scenario)
        self._template = f"{path}.template"
        shutil.copyfile(path, self._template)
        self.simulation.__enter__()
        self.simulation.database_path = path
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self._handler)
            logging.getLogger(name).propagate = False
        if not self._fresh:
            self._keeper = sqlite3.connect(path, isolation_level=None, timeout=0)
            self._keeper.execute("PRAGMA synchronous=OFF")
            self._keeper.execute("PRAGMA journal_mode=WAL").fetchall()
            self._subject = self.simulation.prepare(self._open)
            self._is_open = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close and remove everything."""
        try:
            if self._is_open:
                self.simulation.prepare(lambda: self._close(self._subject))
        finally:
            if self._keeper is not None:
                self._keeper.close()
            self.simulation.__exit__(kind, error, trace)
            for name in LOGGERS:
                logging.getLogger(name).removeHandler(self._handler)
                logging.getLogger(name).propagate = True
            shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, scheduler: Scheduler, budget: Budget | None = None) -> Trial:
        """Run once from the initial rows."""
        budget = budget if budget is not None else self.scenario.budget
        run = self._run_fresh(scheduler, budget) if self._fresh else self._run(scheduler, budget)
        rows, lock_is_held = self._observe()
        answers: tuple[tuple[str, str], ...] = run.value if run.value is not None else ()
        outcome = Outcome(
            answers=answers,
            rows=rows,
            lock_is_held=lock_is_held,
            stuck=run.stuck is not None,
            leak_count=len(run.leaks),
        )
        law = self.scenario.law
        violation = law(outcome) if law is not None else None
        if run.error is not None:
            violation = f"the harness or the scenario raised {run.error!r}"
        digest = _checkpointed_digest(self._setting.path) if self._fresh else None
        return Trial(
            scenario=self.scenario,
            run=run,
            outcome=outcome,
            violation=violation,
            database_digest=digest,
        )

    def _run(self, scheduler: Scheduler, budget: Budget) -> Run[Any]:
        keeper = self._keeper
        if keeper is None:
            raise RuntimeError("the stage is not open; use 'with'.")
        self._run_count += 1
        if self._run_count % RUNS_BETWEEN_CHECKPOINTS == 0:
            keeper.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.reset()
        return self.simulation.run(
            lambda: self._contend(self._subject), scheduler, budget, main_is_neutral=True
        )

    def play(self, scenario: Scenario) -> None:
        """Run another scenario from now on, one of the same tables and the same open subject."""
        if (self._fresh, scenario.create_sql) != (False, self.scenario.create_sql):
            raise ValueError(f"{scenario.name} needs a stage of its own.")
        self.scenario = scenario

    @property
    def path(self) -> str:
        """The database file."""
        return self._setting.path

    def reset(self) -> None:
        """Bring the initial rows back; ``run`` does it by itself."""
        if self._keeper is not None:
            self._keeper.executescript(f"BEGIN IMMEDIATE; {self.scenario.reset_sql}; COMMIT;")

    def _run_fresh(self, scheduler: Scheduler, budget: Budget) -> Run[Any]:
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self._setting.path + suffix):
                os.unlink(self._setting.path + suffix)
        shutil.copyfile(self._template, self._setting.path)

        async def main() -> tuple[tuple[str, str], ...]:
            subject = await self._open()
            try:
                return await self._contend(subject)
            finally:
                await self._close(subject)

        return self.simulation.run(main, scheduler, budget, main_is_neutral=True)

    async def _open(self) -> Any:
        opener = self.scenario.open
        return None if opener is None else await opener(self._setting)

    async def _close(self, subject: Any) -> None:
        if self.scenario.close is not None:
            await self.scenario.close(subject)

    async def _contend(self, subject: Any) -> tuple[tuple[str, str], ...]:
        tasks = [
            (name, self.simulation.expect(name, partial(_answer, self._setting, work)))
            for name, work in self.scenario.attempts(subject, self._setting)
        ]
        await asyncio.wait([task for _, task in tasks])
        await self.simulation.quiet()
        return tuple(
            (name, "CancelledError" if task.cancelled() else task.result()) for name, task in tasks
        )

    def _observe(self) -> tuple[tuple[tuple[object, ...], ...], bool]:
        """Read the rows, and whether somebody who is gone still holds the write lock."""
        keeper = self._keeper
        if keeper is None:
            keeper = sqlite3.connect(self._setting.path, isolation_level=None, timeout=0)
        try:
            lock_is_held = False
            try:
                keeper.execute("BEGIN IMMEDIATE")
                keeper.execute("ROLLBACK")
            except sqlite3.OperationalError:
                lock_is_held = True
            rows = tuple(keeper.execute(self.scenario.observe_sql).fetchall())
        finally:
            if self._keeper is None:
                keeper.close()
        if lock_is_held or self.simulation.has_open_transaction():
            self._start_over()
        return rows, lock_is_held

    def _start_over(self) -> None:
        """Free what the last run left locked, so that the next one starts clean."""
        gc.collect()  # a zombie keeps its locks until its cursor dies
        if self._keeper is not None:
            self.simulation.prepare(lambda: self._close(self._subject))
            self._subject = self.simulation.prepare(self._open)


def run_on_stock_asyncio(scenario: Scenario, path: str, delays_s: Sequence[float] = ()) -> Outcome:
    """Run a scenario once on asyncio's own loop with real threads, from fresh rows.

    ``delays_s`` holds back the attempts' beginnings.
    """
    setting = Setting(path=path)

    async def begin(index: int, work: Callable[[], Coroutine[Any, Any, object]]) -> str:
        if index < len(delays_s):
            await asyncio.sleep(delays_s[index])
        return await _answer(setting, work)

    async def main() -> tuple[tuple[str, str], ...]:
        subject = None if scenario.open is None else await scenario.open(setting)
        try:
            attempts = scenario.attempts(subject, setting)
            answers = await asyncio.gather(
                *(begin(index, work) for index, (_, work) in enumerate(attempts))
            )
            return tuple(
                (name, answer) for (name, _), answer in zip(attempts, answers, strict=True)
            )
        finally:
            if scenario.close is not None:
                await scenario.close(subject)

    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # As in the simulation somebody else has the file open, so that the WAL is never recovered.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        answers = asyncio.run(main())
        rows = tuple(connection.execute(scenario.observe_sql).fetchall())
        connection.executescript(f"BEGIN IMMEDIATE; {scenario.reset_sql}; COMMIT;")
    finally:
        connection.close()
    return Outcome(answers=answers, rows=rows)


def create_database(path: str, scenario: Scenario) -> None:
    """Make a WAL file with a scenario's initial rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.executescript(f"{scenario.create_sql}; {scenario.reset_sql};")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _memory_folder() -> str:
    """Return a new folder, in memory where the host has some: a disk would be the slowest part."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    return tempfile.mkdtemp(prefix="simulation-", dir=parent)


def _checkpointed_digest(path: str) -> str:
    """Return the SHA-256 of the database file after everything has moved into it."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
