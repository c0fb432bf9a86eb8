"""The core itself: attempts on one file through the whole manager and its store."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Callable, Coroutine, Iterator, MutableSet, Sequence
from dataclasses import dataclass
from typing import Any

from fsmcore import (
    FILE_LIFECYCLE,
    ConnectionModel,
    Edge,
    EventCollector,
    FileLockManager,
    FileTransitionManager,
    FsmCoreError,
    HandRolledAdapter,
    NoFileLocks,
    OutcomeUnknownError,
    RetryPolicy,
    Schema,
    StateMachineAdapter,
    Store,
)
from properties.simulation.scenario import Attempt, Scenario, Setting
from properties.simulation.scenarios.laws import (
    all_of,
    every_caller_can_know,
    nothing_is_left_behind,
    one_winner_a_version,
    what_was_found_is_true,
)
from properties.simulation.world import World
from properties.subjects.models import MODELS

FILE_KEY = "a.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """How fsmcore is set up: what contends inside the process, and what only in the database."""

    fair_writer_lock: bool = False
    file_locks: bool = False
    with_library: bool = True
    max_tries: int = 20
    separate_stores: bool = False
    model: str = "per-transition"


SCHEMA = Schema()  # checked once: it remembers nothing of a run


@functools.cache
def _retry(max_tries: int) -> RetryPolicy:
    return RetryPolicy(max_tries=max_tries, jitter=lambda _low, high: high)


class _Doubts(MutableSet[str]):
    """The attempts that a store is in doubt about, as memory that is declared shared.

    Every attempt looks at it when it begins and may change it when it ends, in steps that touch
    nothing else: without a word of ours a search would take both orders for one, and lose the
    caller whose doubt a later commit has settled before he asks. What else a store remembers
    (``_in_flight``, ``_calling``) is kept by attempt and by task, and here each asks for his own.
    """

    def __init__(self, simulation: World) -> None:
        self._simulation = simulation
        self._ids: set[str] = set()

    def __contains__(self, attempt_id: object) -> bool:
        self._simulation.look()
        return attempt_id in self._ids

    def __iter__(self) -> Iterator[str]:
        self._simulation.look()
        return iter(tuple(self._ids))

    def __len__(self) -> int:
        self._simulation.look()
        return len(self._ids)

    def add(self, value: str) -> None:
        self._simulation.touch()
        self._ids.add(value)

    def discard(self, value: str) -> None:
        self._simulation.look()
        if value in self._ids:
            self._simulation.touch()
            self._ids.discard(value)


def _store(model: ConnectionModel, setting: Setting, how: Core) -> Store:
    store = Store(
        setting.path,
        connections=model,
        schema=SCHEMA,
        retry=_retry(how.max_tries),
        now=setting.now,
    )
    if setting.simulation is not None:
        store._in_doubt = _Doubts(setting.simulation)  # type: ignore[assignment]
    return store


async def _open_core(setting: Setting, how: Core) -> ConnectionModel:
    """Open what lasts between runs: the keeper. Whatever remembers is made anew each run."""
    model = MODELS[how.model](how.fair_writer_lock)
    await _store(model, setting, how).open()
    return model


def _manager(
    model: ConnectionModel, setting: Setting, how: Core, events: EventCollector | None = None
) -> FileTransitionManager:
    return FileTransitionManager(
        _store(model, setting, how),
        machine=StateMachineAdapter if how.with_library else HandRolledAdapter,
        locks=FileLockManager() if how.file_locks else NoFileLocks(),
        events=events,
        now=setting.now,
    )


async def _close_core(model: ConnectionModel) -> None:
    await model.close()


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

    def attempts(model: ConnectionModel, setting: Setting) -> Sequence[Attempt]:
        manager = _manager(model, setting, how)
        return [
            (letter, _attempt(manager, event, letter))
            for letter, event in zip("abcdefghijkl", events, strict=False)
        ]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=";".join(SCHEMA.create_statements()),
        observe_sql=OBSERVE_FILES,
        open=functools.partial(_open_core, how=how),
        close=_close_core,
        **{
            "attempts": attempts,
            "reset_sql": RESET_FILES,
            "law": all_of(one_winner_a_version, nothing_is_left_behind),
            **options,
        },
    )


_PADDING = (
    "WITH RECURSIVE each(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM each LIMIT 8) "
    "INSERT INTO transitions SELECT 'pad ' || number, 'pad.txt', number, 'e', 'x', 'y', "
    "printf('%.*c', 480, 'x') FROM each"
)


def padded(name: str, sentence: str, events: Sequence[str], how: Core, **options: Any) -> Scenario:
    """Return the same scenario on a journal whose page takes no further row: it needs another."""
    made = core(name, sentence, events, how, reset_sql=f"{RESET_FILES}; {_PADDING}", **options)
    return dataclasses.replace(
        made,
        # Pages that a run has added go back to the disk: one that is free would be taken again.
        create_sql=f"PRAGMA auto_vacuum=FULL; VACUUM; {made.create_sql}",
        observe_sql=OBSERVE_FILES.replace(
            "FROM transitions", "FROM transitions WHERE file_path = 'a.txt'"
        ),
    )


def _attempt(
    manager: FileTransitionManager, event: str, attempt_id: str
) -> Callable[[], Coroutine[Any, Any, object]]:
    async def work() -> object:
        result = await manager.transition(FILE_KEY, event, attempt_id=attempt_id)
        return f"ok {result.from_state}->{result.to_state} v{result.version}"

    return work


def store_alone(count: int) -> Scenario:
    """Return uploads of one file by the store's compare-and-set and its retries: no manager."""

    def attempts(model: ConnectionModel, setting: Setting) -> Sequence[Attempt]:
        store = _store(model, setting, Core())
        return [(letter, _moved_by_hand(store, letter)) for letter in "abcdefgh"[:count]]

    return core(
        f"store-alone-{count}",
        "Uploads of one file through the store alone.",
        (),
        Core(),
        attempts=attempts,
    )


def _moved_by_hand(store: Store, attempt_id: str) -> Callable[[], Coroutine[Any, Any, object]]:
    async def once(_tries: int) -> object:
        async with store.attempt(attempt_id) as attempt:
            row = await attempt.read(FILE_KEY)
            target = FILE_LIFECYCLE.target(row.state, "start_upload")
            if target is None:
                return "refused"
            moved = await attempt.compare_and_set(row, Edge(row.state, "start_upload", target))
            return f"ok {row.state}->{moved.state} v{moved.version}"

    return lambda: store.retry.run(once)


def doubted(name: str, sentence: str, how: Core, **options: Any) -> Scenario:
    """Return two uploads; who does not know what became of his asks for another's, then for it."""

    def attempts(model: ConnectionModel, setting: Setting) -> Sequence[Attempt]:
        manager = _manager(model, setting, how)
        return [(letter, functools.partial(_asks_late, manager, letter)) for letter in ("a", "b")]

    law = all_of(one_winner_a_version, nothing_is_left_behind, what_was_found_is_true)
    return core(name, sentence, (), how, attempts=attempts, law=law, **options)


async def _asks_late(manager: FileTransitionManager, attempt_id: str) -> str:
    try:
        await manager.transition(FILE_KEY, "start_upload", attempt_id=attempt_id)
    except OutcomeUnknownError:
        await manager.store.outcome_of("nobody")  # meanwhile another commit may settle the doubt
        found = await manager.store.outcome_of(attempt_id)
        return f"OutcomeUnknownError, found {found.fate.value}"
    return "ok"


def resolved(
    name: str, sentence: str, how: Core, attempt_ids: Sequence[str] = ("a", "b"), **options: Any
) -> Scenario:
    """Return uploads whose callers, cut off, ask for the outcome; and what was recorded."""

    def attempts(model: ConnectionModel, setting: Setting) -> Sequence[Attempt]:
        recorded = EventCollector()
        manager = _manager(model, setting, how, recorded)
        return [(each, functools.partial(_told, manager, recorded, each)) for each in attempt_ids]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=";".join(SCHEMA.create_statements()),
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
    found = await manager.store.outcome_of(attempt_id)
    # After it: a record may come a turn of the loop later.
    kinds = [each.outcome.value for each in recorded.records if each.attempt_id == attempt_id]
    return f"{answer}, recorded {'+'.join(kinds) or 'nothing'}, found {found.fate.value}"
