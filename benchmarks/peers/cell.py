"""``python -m benchmarks.peers.cell TOOL SCENARIO SECONDS``: one tool, one scenario, one process.

Runs in the throwaway environment. Each tool is used by its public interface: it gets coroutines
that make the scenario's attempts, and the scenario's own law. The last line on standard output is
JSON: how many schedules ran in how many seconds, at which one the law first broke, and what the
tool said instead, if it refused.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from properties.simulation.controls import CONTROLS
from properties.simulation.scenario import Outcome, Scenario, Setting, answer_of, create_database
from properties.simulation.scenarios import SCENARIOS
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage
from properties.simulation.stock import run_on_stock_asyncio
from properties.tests.simulation.broken import BROKEN

SPREAD_S = 0.002
SEED = 1
MOST_SCHEDULES = 1_000_000


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one tool showed of one scenario. ``first`` counts from 1; None: never.

    ``broke`` says what the law said at that failure, ``message`` why there is no answer.
    """

    schedules: int = 0
    elapsed_s: float = 0.0
    first: int | None = None
    message: str = ""
    broke: str = ""


def subject_named(name: str) -> Scenario:
    """Return a scenario, a bug or a control by name."""
    every = {each.name: each for each in (*SCENARIOS, *BROKEN, *CONTROLS)}
    return every[name]


@dataclass(slots=True)
class File:
    """A database of its own, and what each attempt of the running schedule was told."""

    scenario: Scenario
    path: str
    answers: dict[str, str] = field(default_factory=dict)
    run_count: int = 0
    broke: str = ""

    def begin(self) -> File:
        """Bring the initial rows back, and forget the answers."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=5)) as db:
            db.executescript(f"BEGIN IMMEDIATE; {self.scenario.reset_sql}; COMMIT;")
        self.answers = {}
        self.run_count += 1
        return self

    def attempts(self) -> Sequence[Callable[[File], Coroutine[Any, Any, None]]]:
        """Return one coroutine function an attempt; each opens what it needs."""
        count = len(self.scenario.attempts([None] * 8, Setting(path=self.path)))
        return [self._attempt(index) for index in range(count)]

    def _attempt(self, index: int) -> Callable[[File], Coroutine[Any, Any, None]]:
        async def attempt(_state: File) -> None:
            setting = Setting(path=self.path)
            opener, closer = self.scenario.open, self.scenario.close
            subject = None if opener is None else await opener(setting)
            try:
                name, work = self.scenario.attempts(subject, setting)[index]
                self.answers[name] = await answer_of(setting, work)
            finally:
                if closer is not None:
                    await closer(subject)

        return attempt

    def holds(self, _state: object = None) -> bool:
        """Ask the law."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=5)) as db:
            rows = tuple(db.execute(self.scenario.observe_sql).fetchall())
        law = self.scenario.law
        outcome = Outcome(answers=tuple(sorted(self.answers.items())), rows=rows)
        broken = None if law is None else law(outcome)
        self.broke = broken or self.broke
        return broken is None


@contextmanager
def file_of(scenario: Scenario) -> Iterator[File]:
    """Make the database, in memory where the host has some."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    folder = tempfile.mkdtemp(prefix="peers-", dir=parent)
    try:
        path = os.path.join(folder, "rows.db")
        create_database(path, scenario)
        with closing(sqlite3.connect(path, isolation_level=None)) as keeper:
            # As everywhere else somebody has the file open: a last connection that closes would
            # take the WAL away from under the next schedule.
            keeper.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            yield File(scenario, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ours(scenario: Scenario, limit_s: float) -> Seen:
    """Walk at random under the simulation."""
    seen = Seen()
    fault_count = scenario.budget.cancellations + scenario.budget.overlaps
    scheduler = RandomScheduler(SEED, fault_count=fault_count)
    with Stage(scenario) as stage:
        began_s = time.perf_counter()
        while time.perf_counter() - began_s < limit_s:
            seen.schedules += 1
            broken = stage.run(scheduler).violation
            if broken is not None and seen.first is None:
                seen.first, seen.broke = seen.schedules, broken
        seen.elapsed_s = time.perf_counter() - began_s
    return seen


def stock(scenario: Scenario, limit_s: float) -> Seen:
    """Stress: asyncio's own loop and real threads, beginnings held back at random."""
    seen = Seen()
    private = random.Random(SEED)
    law = scenario.law
    with file_of(scenario) as file:
        began_s = time.perf_counter()
        while time.perf_counter() - began_s < limit_s:
            seen.schedules += 1
            spread_s = private.choice((0.0, 0.0003, SPREAD_S))
            delays_s = [private.uniform(0, spread_s) for _ in range(8)]
            outcome = run_on_stock_asyncio(scenario, file.path, delays_s)
            broken = None if law is None else law(outcome)
            if broken is not None and seen.first is None:
                seen.first, seen.broke = seen.schedules, broken
        seen.elapsed_s = time.perf_counter() - began_s
    return seen


def frontrun(scenario: Scenario, limit_s: float) -> Seen:
    """Its random strategy for coroutines, SQL drivers patched; it stops at the first failure."""
    tool: Any = importlib.import_module("frontrun")
    seen = Seen()
    with file_of(scenario) as file:
        began_s = time.perf_counter()
        found: Any = asyncio.run(
            tool.explore_async_random(
                setup=file.begin,
                tasks=list(file.attempts()),
                invariant=file.holds,
                max_attempts=MOST_SCHEDULES,
                total_timeout=limit_s,
                seed=SEED,
                detect_sql=True,
            )
        )
        seen.elapsed_s = time.perf_counter() - began_s
        seen.schedules = found.num_explored
        if found.property_holds is False:
            seen.first, seen.broke = found.num_explored, file.broke
        elif found.property_holds is None:
            seen.message = str(getattr(found, "inconclusive_reason", "inconclusive"))
    return seen


def frontrun_dpor(scenario: Scenario, limit_s: float) -> Seen:
    """Its systematic strategy, the default of its ``explore``; it stops at the first failure."""
    tool: Any = importlib.import_module("frontrun")
    seen = Seen()
    with file_of(scenario) as file:

        async def search() -> Any:
            return await tool.explore(
                file.begin, list(file.attempts()), file.holds, total_timeout=limit_s
            )

        began_s = time.perf_counter()
        found = asyncio.run(search())
        seen.elapsed_s = time.perf_counter() - began_s
        seen.schedules = found.num_explored
        if found.property_holds is False:
            seen.first, seen.broke = found.num_explored, file.broke
        elif found.property_holds is None:
            seen.message = str(getattr(found, "inconclusive_reason", "inconclusive"))
    return seen


def detangle(scenario: Scenario, limit_s: float) -> Seen:
    """Its default portfolio of strategies; it stops at the first failure."""
    tool: Any = importlib.import_module("detangle")
    seen = Seen()
    with file_of(scenario) as file:

        async def every_attempt() -> None:
            file.begin()
            await asyncio.gather(*(attempt(file) for attempt in file.attempts()))
            if not file.holds():
                raise AssertionError("the law is broken")

        began_s = time.perf_counter()
        try:
            stats = tool.explore(
                every_attempt,
                runs=MOST_SCHEDULES,
                max_duration=limit_s,
                seed=SEED,
                shrink=False,
                database=False,
            )
            seen.schedules = stats.runs
        except tool.BugFound as error:
            report = error.report
            seen.schedules = report.runs
            failure = report.failure.exception
            if isinstance(failure, AssertionError) and not isinstance(failure, tool.DetangleError):
                seen.first, seen.broke = report.runs, file.broke
            else:
                seen.message = f"{type(failure).__name__}: {failure}".splitlines()[0]
        seen.elapsed_s = time.perf_counter() - began_s
    return seen


TOOLS: dict[str, Callable[[Scenario, float], Seen]] = {
    "ours": ours,
    "stock asyncio": stock,
    "frontrun random": frontrun,
    "frontrun dpor": frontrun_dpor,
    "detangle": detangle,
}


def main(tool: str, scenario: str, limit_s: str) -> None:
    """Run one cell, and print what it showed."""
    try:
        seen = TOOLS[tool](subject_named(scenario), float(limit_s))
    except Exception as error:  # noqa: BLE001 - that a tool refuses is what it showed
        words = str(error).splitlines() or [""]
        seen = Seen(message=f"{type(error).__name__}: {words[0]}")
    names = ("schedules", "elapsed_s", "first", "message", "broke")
    told = {name: getattr(seen, name) for name in names}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # a tool may leave threads behind that never end
