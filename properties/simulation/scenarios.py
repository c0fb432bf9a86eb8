"""Scenarios to explore: fsmcore's own store and manager, and bare aiosqlite beside them.

The bare ones do with a few statements what people write by hand, right and wrong; they are small
enough to be explored without any reduction, and so they judge the simulator itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import aiosqlite

from fsmcore import (
    EventCollector,
    FileLockManager,
    FileTransitionManager,
    FsmCoreError,
    HandRolledAdapter,
    NoFileLocks,
    PerTransition,
    RetryPolicy,
    Schema,
    StateMachineAdapter,
    Store,
    Synchronous,
)
from properties.simulation.scenario import Attempt, Law, Outcome, Scenario, Setting
from properties.simulation.simulation import Budget

COUNTER_SQL = "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER, version INTEGER)"
COUNTER_RESET_SQL = "DELETE FROM counter; INSERT INTO counter VALUES (1, 0, 0)"
COUNTER_OBSERVE_SQL = "SELECT value, version FROM counter ORDER BY id"

READ = "SELECT value, version FROM counter WHERE id = 1"
SET = "UPDATE counter SET value = ?, version = version + 1 WHERE id = 1"
ADD_ONE = "UPDATE counter SET value = value + 1, version = version + 1 WHERE id = 1"
COMPARE_AND_SET = f"{SET} AND version = ?"

FILE_KEY = "a.txt"


def every_ok_counts(outcome: Outcome) -> str | None:
    """As many increments are in the row as attempts were told ok; who was cut off may count."""
    if not outcome.rows:
        return "the row is gone"
    value = outcome.rows[0][0]
    ok_count = sum(answer.startswith("ok") for _, answer in outcome.answers)
    unknown_count = sum(answer.startswith("Cancelled") for _, answer in outcome.answers)
    if not isinstance(value, int) or not ok_count <= value <= ok_count + unknown_count:
        return f"{ok_count} attempts were told ok, and the value is {value}"
    return None


def nothing_is_left_behind(outcome: Outcome) -> str | None:
    """Nobody waits for ever, no lock is held, no worker outlives its owner."""
    if outcome.stuck:
        return "somebody waits for ever"
    if outcome.lock_is_held:
        return "the write lock is held after everybody has ended"
    if outcome.leak_count:
        return f"{outcome.leak_count} workers were left running"
    return None


def all_of(*laws: Law) -> Law:
    """Return the law that says them all."""

    def law(outcome: Outcome) -> str | None:
        return next((broken for each in laws if (broken := each(outcome)) is not None), None)

    return law


# Bare aiosqlite ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """One way to increment a counter by hand.

    ``begin`` opens the transaction, before the read when ``reads_inside``. Without ``begin`` each
    statement commits by itself. ``checks_version`` makes the write a compare-and-set.
    """

    begin: str | None = "BEGIN IMMEDIATE"
    reads_inside: bool = False
    checks_version: bool = True
    retries: int = 0
    backoff_s: float = 0.002


async def increment(path: str, how: Bare) -> str:
    """Read the counter and add one; return ``ok``, ``stale`` or ``busy``."""
    for tries in range(how.retries + 1):
        answer = await _increment_once(path, how)
        if answer == "ok" or tries == how.retries:
            return answer
        await asyncio.sleep(how.backoff_s * 2**tries)
    raise AssertionError("unreachable")


async def _increment_once(path: str, how: Bare) -> str:
    db = await aiosqlite.connect(path, isolation_level=None, timeout=0)
    try:
        try:
            if how.begin is not None and how.reads_inside:
                await db.execute(how.begin)
            ((value, version),) = await db.execute_fetchall(READ)
            if how.begin is not None and not how.reads_inside:
                await db.execute(how.begin)
            if how.checks_version:
                cursor = await db.execute(COMPARE_AND_SET, (value + 1, version))
            else:
                cursor = await db.execute(SET, (value + 1,))
            changed = cursor.rowcount
            if how.begin is not None:
                await db.execute("COMMIT" if changed == 1 else "ROLLBACK")
            return "ok" if changed == 1 else "stale"
        except aiosqlite.OperationalError as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                return "busy"
            raise
    finally:
        await to_its_end(_roll_back_and_close(db))


async def to_its_end(work: Coroutine[Any, Any, object]) -> None:
    """Run ``work`` to its end whoever is cancelled meanwhile, then let the cancellation out."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


async def _roll_back_and_close(db: aiosqlite.Connection) -> None:
    with contextlib.suppress(aiosqlite.Error, ValueError):
        await db.rollback()
    await db.close()


def bare(name: str, sentence: str, how: Bare, *, count: int = 2, **options: Any) -> Scenario:
    """Return the scenario of ``count`` attempts that increment the counter by hand."""

    def attempts(_subject: object, setting: Setting) -> Sequence[Attempt]:
        def work() -> Coroutine[Any, Any, object]:
            return increment(setting.path, how)

        return [(letter, work) for letter in "abcdefgh"[:count]]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=COUNTER_SQL,
        reset_sql=COUNTER_RESET_SQL,
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        **{"law": every_ok_counts, **options},
    )


# Small enough for every schedule ----------------------------------------------------------------


async def _open_connections(setting: Setting, count: int) -> list[aiosqlite.Connection]:
    return [
        await aiosqlite.connect(setting.path, isolation_level=None, timeout=0) for _ in range(count)
    ]


async def _close_connections(connections: list[aiosqlite.Connection]) -> None:
    for connection in connections:
        await connection.close()


Work = Callable[[aiosqlite.Connection], Coroutine[Any, Any, object]]


def kept(name: str, sentence: str, *works: Work, **options: Any) -> Scenario:
    """Return the scenario of one attempt a work, each on a connection that stays open."""

    def attempts(connections: list[aiosqlite.Connection], _setting: Setting) -> Sequence[Attempt]:
        return [
            (letter, functools.partial(work, connection))
            for letter, work, connection in zip("abcdefgh", works, connections, strict=False)
        ]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=COUNTER_SQL,
        reset_sql=COUNTER_RESET_SQL,
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        open=functools.partial(_open_connections, count=len(works)),
        close=_close_connections,
        **options,
    )


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Return whether SQLite answered BUSY, extended codes included."""
    return (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY


async def lone_update(db: aiosqlite.Connection) -> str:
    """Add one in a single statement."""
    try:
        await db.execute(ADD_ONE)
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok"


async def read_then_set(db: aiosqlite.Connection) -> str:
    """Add one to what was read, unchecked. Broken on purpose."""
    ((value, _),) = await db.execute_fetchall(READ)
    try:
        await db.execute(SET, (value + 1,))
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok"


async def read_then_compare(db: aiosqlite.Connection) -> str:
    """Add one to what was read, if the version still is what was read."""
    ((value, version),) = await db.execute_fetchall(READ)
    try:
        cursor = await db.execute(COMPARE_AND_SET, (value + 1, version))
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    return "ok" if cursor.rowcount == 1 else "stale"


async def whole_transaction(db: aiosqlite.Connection) -> str:
    """Add one inside BEGIN IMMEDIATE; roll back when cut off."""
    try:
        await db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            return "busy"
        raise
    except asyncio.CancelledError:
        await db.rollback()
        raise
    try:
        await db.execute(ADD_ONE)
        await db.execute("COMMIT")
    except asyncio.CancelledError:
        await db.rollback()
        raise
    return "ok"


async def in_time(db: aiosqlite.Connection) -> str:
    """Add one within 5 ms of the loop's time, or give up."""
    try:
        async with asyncio.timeout(0.005):
            return await read_then_compare(db)
    except TimeoutError:
        return "Cancelled by a timer"


async def watched_write(db: aiosqlite.Connection) -> str:
    """Add one in a task of its own; when cut off, say whether its result was there already."""
    write = asyncio.ensure_future(lone_update(db))
    try:
        return str(await asyncio.shield(write))
    except asyncio.CancelledError:
        had_ended = write.done()
        await asyncio.wait((write,))
        return f"Cancelled, write ended: {had_ended}"


class Tickets:
    """Numbers handed out in this process, under a lock."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.next = 1


def ticketed(count: int) -> Scenario:
    """Return the scenario of attempts that read, then take a number under an asyncio lock."""

    def attempts(connections: list[aiosqlite.Connection], _setting: Setting) -> Sequence[Attempt]:
        tickets = Tickets()

        async def work(db: aiosqlite.Connection) -> str:
            await db.execute_fetchall(READ)
            async with tickets.lock:
                number, tickets.next = tickets.next, tickets.next + 1
            return f"number {number}"

        return [
            (letter, functools.partial(work, connection))
            for letter, connection in zip("abcdefgh", connections, strict=False)
        ]

    return Scenario(
        name=f"tickets-{count}",
        sentence="Attempts read, then take a number under an asyncio lock: any order.",
        create_sql=COUNTER_SQL,
        reset_sql=COUNTER_RESET_SQL,
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        open=functools.partial(_open_connections, count=count),
        close=_close_connections,
    )


# fsmcore ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """How fsmcore is set up: what contends inside the process, and what only in the database."""

    fair_writer_lock: bool = False
    file_locks: bool = False
    with_library: bool = True
    max_tries: int = 20
    separate_stores: bool = False


def _retry(how: Core) -> RetryPolicy:
    return RetryPolicy(max_tries=how.max_tries, jitter=lambda _low, high: high)


def _store(model: PerTransition, setting: Setting, how: Core) -> Store:
    return Store(setting.path, connections=model, retry=_retry(how), now=setting.now)


async def _open_core(setting: Setting, how: Core) -> PerTransition:
    """Open what lasts between runs: the keeper. Whatever remembers is made anew each run."""
    model = PerTransition(synchronous=Synchronous.FULL, fair_writer_lock=how.fair_writer_lock)
    await _store(model, setting, how).open()
    return model


def _manager(
    model: PerTransition, setting: Setting, how: Core, events: EventCollector | None = None
) -> FileTransitionManager:
    return FileTransitionManager(
        _store(model, setting, how),
        machine=StateMachineAdapter if how.with_library else HandRolledAdapter,
        locks=FileLockManager() if how.file_locks else NoFileLocks(),
        events=events,
        now=setting.now,
    )


async def _close_core(model: PerTransition) -> None:
    await model.close()


def one_winner_a_version(outcome: Outcome) -> str | None:
    """The journal counts up by one, the row stands at its end, and every ok is in it."""
    row, journal = outcome.rows[0], outcome.rows[1:]
    versions = [entry[2] for entry in journal]
    if versions != list(range(1, len(journal) + 1)):
        return f"the journal's versions are {versions}"
    if row[2] != len(journal):
        return f"the row is at version {row[2]} with {len(journal)} entries in the journal"
    told = sorted(name for name, answer in outcome.answers if answer.startswith("ok"))
    written = sorted(str(entry[0]) for entry in journal)
    missing = sorted(set(told) - set(written))
    if missing:
        return f"told ok and not in the journal: {', '.join(missing)}"
    refused = {
        name
        for name, answer in outcome.answers
        if not answer.startswith("ok")
        and answer.split(",")[0] not in {"CancelledError", "OutcomeUnknownError"}
    }
    if refused & set(written):
        return f"told that nothing was written, and written: {sorted(refused & set(written))}"
    return None


OBSERVE_FILES = (
    "SELECT 'row', gemini_state, version FROM files UNION ALL "
    "SELECT * FROM (SELECT attempt_id, to_state, version FROM transitions ORDER BY version)"
)
RESET_FILES = (
    "DELETE FROM transitions; REPLACE INTO files VALUES ('a.txt', 'untracked', NULL, 0, NULL, NULL)"
)


def core(
    name: str,
    sentence: str,
    events: Sequence[str],
    how: Core,
    **options: Any,
) -> Scenario:
    """Return the scenario of one attempt an event, all on one file, through the whole core."""

    def attempts(model: PerTransition, setting: Setting) -> Sequence[Attempt]:
        manager = _manager(model, setting, how)
        return [
            (letter, _attempt(manager, event, letter))
            for letter, event in zip("abcdefgh", events, strict=False)
        ]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=";".join(Schema().create_statements()),
        reset_sql=RESET_FILES,
        observe_sql=OBSERVE_FILES,
        attempts=attempts,
        open=functools.partial(_open_core, how=how),
        close=_close_core,
        **{"law": all_of(one_winner_a_version, nothing_is_left_behind), **options},
    )


def _attempt(
    manager: FileTransitionManager, event: str, attempt_id: str
) -> Callable[[], Coroutine[Any, Any, object]]:
    async def work() -> object:
        result = await manager.transition(FILE_KEY, event, attempt_id=attempt_id)
        return f"ok {result.from_state}->{result.to_state} v{result.version}"

    return work


def resolved(name: str, sentence: str, how: Core, **options: Any) -> Scenario:
    """Return two uploads whose callers, cut off, ask for the outcome; and what was recorded."""

    def attempts(model: PerTransition, setting: Setting) -> Sequence[Attempt]:
        recorded = EventCollector()
        manager = _manager(model, setting, how, recorded)
        return [
            (letter, functools.partial(_told, manager, recorded, letter)) for letter in ("a", "b")
        ]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=";".join(Schema().create_statements()),
        reset_sql=RESET_FILES,
        observe_sql=OBSERVE_FILES,
        attempts=attempts,
        open=functools.partial(_open_core, how=how),
        close=_close_core,
        law=all_of(one_winner_a_version, nothing_is_left_behind, every_caller_can_know),
        **options,
    )


async def _told(manager: FileTransitionManager, recorded: EventCollector, attempt_id: str) -> str:
    answer = "ok"
    try:
        await manager.transition(FILE_KEY, "start_upload", attempt_id=attempt_id)
    except asyncio.CancelledError:
        answer = "CancelledError"
    except FsmCoreError as error:
        answer = type(error).__name__
    kinds = [each.outcome.value for each in recorded.records if each.attempt_id == attempt_id]
    found = await manager.store.outcome_of(attempt_id)
    return f"{answer}, recorded {'+'.join(kinds) or 'nothing'}, found {found.fate.value}"


_TOLD_BY_RECORD = {"success": {"committed"}, "unknown": {"committed", "not committed"}}


def every_caller_can_know(outcome: Outcome) -> str | None:
    """The record of an attempt and the answer of ``outcome_of`` agree with the journal."""
    written = {str(entry[0]) for entry in outcome.rows[1:]}
    for name, answer in outcome.answers:
        if ", recorded " not in answer:
            continue  # cut off while asking
        told, recorded, found = answer.split(", ")
        fate = "committed" if name in written else "not committed"
        if found != f"found {fate}":
            return f"{name} is {fate}, and outcome_of says {found!r}"
        kind = recorded.removeprefix("recorded ")
        if told.startswith("Cancelled") and kind == "nothing":
            continue  # cut off before the attempt began
        if fate not in _TOLD_BY_RECORD.get(kind, {"not committed"}):
            return f"{name} is {fate}, and its record says {kind!r}"
        if "+" in kind or kind == "nothing":
            return f"{name} has not one record but {kind!r}"
    return None


# The shelf --------------------------------------------------------------------------------------

_UPLOADS = ("start_upload", "start_upload", "start_upload")
_CHAIN = ("start_upload", "complete_upload", "fail_upload")

SCENARIOS: tuple[Scenario, ...] = (
    kept("lone-2", "Two lone updates; one may meet the other in full flight.",
         lone_update, lone_update, law=every_ok_counts, budget=Budget(overlaps=1)),
    kept("lone-3", "Three lone updates.",
         lone_update, lone_update, lone_update, law=every_ok_counts, budget=Budget(overlaps=2)),
    kept("kept-occ-2", "Two compare and set, in single statements.",
         read_then_compare, read_then_compare, law=every_ok_counts, budget=Budget(overlaps=1)),
    kept("kept-lost-update-2", "Two write what they read, unchecked. Broken on purpose.",
         read_then_set, read_then_set, law=every_ok_counts, is_broken=True,
         budget=Budget(overlaps=1)),
    kept("lost-update-3", "Three write what they read, unchecked. Broken on purpose.",
         read_then_set, read_then_set, read_then_set, law=every_ok_counts, is_broken=True,
         budget=Budget(overlaps=2)),
    kept("mixed-2", "A transaction of three statements against a lone compare-and-set.",
         whole_transaction, read_then_compare, law=every_ok_counts, budget=Budget(overlaps=1)),
    kept("transactions-2", "Two transactions of three statements.",
         whole_transaction, whole_transaction, law=every_ok_counts),
    kept("cut-off-2", "Two transactions, one of which may be cancelled anywhere.",
         whole_transaction, whole_transaction, law=all_of(every_ok_counts, nothing_is_left_behind),
         budget=Budget(cancellations=1)),
    kept("watched-2", "Two writes in tasks of their own; a cancellation sees how far each got.",
         watched_write, watched_write, law=every_ok_counts,
         budget=Budget(cancellations=1, overlaps=1)),
    kept("in-time-2", "Two compare and set against a timer that a late loop may fire any time.",
         in_time, in_time, law=every_ok_counts, budget=Budget(early_clocks=2, overlaps=1)),
    ticketed(2),
    ticketed(3),
    bare("occ-2", "Two attempts compare and set; the loser is stale or busy.", Bare()),
    bare("occ-3", "Three attempts compare and set.", Bare(), count=3),
    bare(
        "occ-retry-2",
        "Two attempts compare and set, and try once more after a backoff.",
        Bare(retries=1),
    ),
    bare(
        "immediate-3",
        "Three attempts read inside BEGIN IMMEDIATE: busy, never stale.",
        Bare(reads_inside=True),
        count=3,
    ),
    bare(
        "deferred-2",
        "Two attempts read, then write, in one deferred transaction: BUSY_SNAPSHOT.",
        Bare(begin="BEGIN DEFERRED", reads_inside=True),
    ),
    bare(
        "autocommit-2",
        "Two lone compare-and-set statements; one may meet the other in full flight.",
        Bare(begin=None),
        budget=Budget(overlaps=1),
    ),
    bare(
        "lost-update-2",
        "Two attempts write what they read, unchecked: an update is lost. Broken on purpose.",
        Bare(checks_version=False),
        is_broken=True,
    ),
    core("store-2", "Two uploads of one file through the core, no lock but SQLite's.",
         _UPLOADS[:2], Core(with_library=False)),
    core("store-3", "Three uploads of one file through the core, no lock but SQLite's.",
         _UPLOADS, Core(with_library=False)),
    core("machine-3", "Three uploads of one file through python-statemachine.",
         _UPLOADS, Core()),
    core("chain-2", "An upload, and its completion, at once.",
         _CHAIN[:2], Core(with_library=False)),
    core("give-up-2", "Two uploads that try once only.",
         _UPLOADS[:2], Core(with_library=False, max_tries=1)),
    resolved("resolved-2", "Two uploads, one cut off anywhere; both ask what became of them.",
             Core(with_library=False), budget=Budget(cancellations=1)),
    core("fair-2", "Two uploads that take turns at BEGIN.",
         _UPLOADS[:2], Core(with_library=False, fair_writer_lock=True)),
    core("locks-2", "Two uploads behind every lock of the core.",
         _UPLOADS[:2], Core(with_library=False, fair_writer_lock=True, file_locks=True)),
)  # fmt: skip


def scenario(name: str) -> Scenario:
    """Return a scenario by name; raises ``KeyError`` that lists them."""
    for each in SCENARIOS:
        if each.name == name:
            return each
    raise KeyError(f"no scenario {name!r}; there are {', '.join(s.name for s in SCENARIOS)}.")
