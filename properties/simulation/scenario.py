"""A small workload that can be run again and again: attempts on one file, and what came of them.

The same scenario runs in the simulation (``stage``) and on stock asyncio with real threads
(``stock``).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from properties.simulation import clock
from properties.simulation.budget import Budget
from properties.simulation.run import Run
from properties.simulation.world import World

Attempt = tuple[str, Callable[[], Coroutine[Any, Any, object]]]
Answers = tuple[tuple[str, str], ...]
"""What each actor was told, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a scenario runs. ``simulation`` is None on stock asyncio."""

    path: str
    simulation: World | None = None

    def now(self) -> datetime:
        """Return the time: virtual, or on stock asyncio always the same."""
        now_s = 0.0 if self.simulation is None else self.simulation.read_wall()
        return clock.EPOCH + timedelta(seconds=now_s)

    def note(self, what: object, result: object = None) -> None:
        """Write a domain step into the transcript, where there is one."""
        if self.simulation is not None:
            self.simulation.note(what, result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to, as far as anybody outside can tell. Equal outcomes compare equal."""

    answers: Answers
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
    ``reset_sql`` brings the rows back without a new file. ``contend`` replaces the usual course, in
    which all attempts are expected at once; with it ``attempts`` are not asked. ``is_broken``
    says that the law does not hold, on purpose: a search that finds nothing is the failure then.
    """

    name: str
    sentence: str
    create_sql: str
    reset_sql: str
    observe_sql: str
    attempts: Callable[[Any, Setting], Sequence[Attempt]]
    open: Callable[[Setting], Awaitable[Any]] | None = None
    close: Callable[[Any], Awaitable[object]] | None = None
    contend: Callable[[Any, Setting], Awaitable[Answers]] | None = None
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


async def answer_of(setting: Setting, work: Callable[[], Coroutine[Any, Any, object]]) -> str:
    """Return what an attempt came to as text: its value, or the name of its error."""
    setting.note("starts")
    try:
        answer = str(await work())
    except asyncio.CancelledError:
        answer = "CancelledError"
    except Exception as error:  # noqa: BLE001 - its name is the answer
        answer = type(error).__name__
    setting.note("ends", answer)
    return answer


def create_database(path: str, scenario: Scenario) -> None:
    """Make a WAL file with a scenario's initial rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.executescript(f"{scenario.create_sql}; {scenario.reset_sql};")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
