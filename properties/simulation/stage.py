"""Where a scenario runs in the simulation, many times.

From a file that is kept open between runs (fast), or from the very same bytes each time (exact).
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
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Self

from properties.simulation.budget import Budget
from properties.simulation.run import Run
from properties.simulation.scenario import (
    Answers,
    Outcome,
    Scenario,
    Setting,
    Trial,
    answer_of,
    create_database,
)
from properties.simulation.scheduler import HarnessError, Scheduler
from properties.simulation.simulation import Simulation

RUNS_BETWEEN_CHECKPOINTS = 200


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
        answers: Answers = run.value if run.value is not None else ()
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
            raise HarnessError(f"{self.scenario.name} raised {run.error!r}.") from run.error
        if run.escapes:
            raise HarnessError(f"{self.scenario.name} left the simulation: {run.escapes[0]}")
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
            lambda: self._contend(self._subject),
            scheduler,
            budget,
            main_is_neutral=self.scenario.contend is None,
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
            for statement in _statements(self.scenario.reset_sql):
                self._keeper.execute(statement)

    def rows(self) -> tuple[tuple[object, ...], ...]:
        """Return what the scenario observes now."""
        if self._keeper is None:
            raise RuntimeError("only a stage that keeps its file open can be asked for its rows.")
        return tuple(self._keeper.execute(self.scenario.observe_sql).fetchall())

    def _run_fresh(self, scheduler: Scheduler, budget: Budget) -> Run[Any]:
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self._setting.path + suffix):
                os.unlink(self._setting.path + suffix)
        shutil.copyfile(self._template, self._setting.path)

        async def main() -> Answers:
            subject = await self._open()
            try:
                return await self._contend(subject)
            finally:
                await self._close(subject)

        is_neutral = self.scenario.contend is None
        return self.simulation.run(main, scheduler, budget, main_is_neutral=is_neutral)

    async def _open(self) -> Any:
        opener = self.scenario.open
        return None if opener is None else await opener(self._setting)

    async def _close(self, subject: Any) -> None:
        if self.scenario.close is not None:
            await self.scenario.close(subject)

    async def _contend(self, subject: Any) -> Answers:
        if self.scenario.contend is not None:
            return await self.scenario.contend(subject, self._setting)
        tasks = [
            (name, self.simulation.expect(name, partial(answer_of, self._setting, work)))
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


@lru_cache(maxsize=64)
def _statements(script: str) -> tuple[str, ...]:
    """Return a transaction's statements one by one, so that each is compiled only once."""
    found = ["BEGIN IMMEDIATE"]
    begun = ""
    for piece in script.split(";"):
        begun = f"{begun};{piece}" if begun else piece
        if sqlite3.complete_statement(f"{begun};"):
            found.append(begun)
            begun = ""
    if begun.strip():
        raise ValueError(f"no whole statement: {begun.strip()}")
    return (*found, "COMMIT")


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
