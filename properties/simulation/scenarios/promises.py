"""Scenarios for promises that one file and a handful of attempts cannot show: ten, or two files.

Each is found again by its name, ``promise.WHAT.SETUP``, so its schedules replay by their tokens.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fsmcore import (
    ConnectionModel,
    Edge,
    FileLockManager,
    FileTransitionManager,
    HandRolledAdapter,
    NoFileLocks,
    RetryPolicy,
    Schema,
    StateMachineAdapter,
    Store,
)
from fsmcore.store import FileRow
from properties.simulation.budget import Budget
from properties.simulation.scenario import Attempt, Outcome, Scenario, Setting
from properties.simulation.scenarios.core import Core, core, resolved
from properties.simulation.scenarios.drawn import core_of, is_setup
from properties.simulation.scenarios.laws import (
    all_of,
    nothing_is_left_behind,
    one_winner_a_version,
)
from properties.subjects.models import MODELS

MAX_TRIES = 20
CROWD = 10
REFUSED = "TransitionNotAllowedError"

_RESET = (
    "DELETE FROM transitions; DELETE FROM files; "
    "INSERT INTO files VALUES ('a.txt', 'untracked', NULL, 0, NULL, NULL), "
    "('b.txt', 'untracked', NULL, 0, NULL, NULL)"
)
_OBSERVE = (
    "SELECT * FROM (SELECT file_path, gemini_state, version FROM files ORDER BY file_path) "
    "UNION ALL SELECT * FROM (SELECT attempt_id, file_path, version FROM transitions "
    "ORDER BY file_path, version)"
)

Locks = FileLockManager | NoFileLocks
Guard = Callable[[FileRow, Edge], Coroutine[Any, Any, bool]]


def crowd(setup: str) -> Scenario:
    """Return ten uploads of one file, of which one succeeds and nine are refused."""
    return _crowd("crowd", setup, CROWD)


def pair(setup: str) -> Scenario:
    """Return the same of two."""
    return _crowd("pair", setup, 2)


def _crowd(what: str, setup: str, count: int) -> Scenario:
    return core(
        f"promise.{what}.{setup}",
        f"{count} uploads of one file: one succeeds, the others are refused.",
        ("start_upload",) * count,
        core_of(setup),
        law=all_of(nothing_is_left_behind, one_and_the_rest_refused, one_winner_a_version),
    )


def one_and_the_rest_refused(outcome: Outcome) -> str | None:
    """One answer is ok, every other one is that the event is not allowed any more."""
    told = [answer for _, answer in outcome.answers]
    ok_count = sum(answer.startswith("ok") for answer in told)
    if ok_count != 1 or told.count(REFUSED) != len(told) - 1:
        return f"{len(told)} attempts were told {', '.join(told)}"
    return None


def cut_off(setup: str, cancellations: int = 2) -> Scenario:
    """Return three attempts on one file, any two of which may be cancelled anywhere."""
    return core(
        f"promise.cut_off.{setup}",
        "Three attempts on one file; two may be cancelled, or one of them twice.",
        ("start_upload", "start_upload", "complete_upload"),
        core_of(setup),
        budget=Budget(cancellations=cancellations),
        law=all_of(nothing_is_left_behind, one_winner_a_version),
    )


def asked_at_once(setup: str) -> Scenario:
    """Return one upload that may be cancelled anywhere, and whose caller then asks for it."""
    return resolved(
        f"promise.asked_at_once.{setup}",
        "One upload, cut off anywhere; its caller asks at once what became of it.",
        core_of(setup),
        ("a",),
        budget=Budget(cancellations=1),
    )


def neighbours(setup: str, locks: Callable[[], Locks] | None = None) -> Scenario:
    """Return one upload of a file beside three attempts on another one, which may be cut off."""
    return _two_files(
        f"promise.neighbours.{setup}",
        "An upload of one file beside three attempts on another, one of which may be cancelled.",
        setup,
        ("start_upload", "start_upload", "complete_upload"),
        locks=locks,
        budget=Budget(cancellations=1, overlaps=2),
        law=all_of(nothing_is_left_behind, _the_neighbour_is_undisturbed),
    )


def patient_neighbour(setup: str, locks: Callable[[], Locks] | None = None) -> Scenario:
    """Return an upload whose guard waits for the end of an upload of another file."""
    return _two_files(
        f"promise.patient_neighbour.{setup}",
        "An upload whose guard waits until the upload of another file has ended.",
        setup,
        ("start_upload",),
        locks=locks,
        waits=True,
        law=all_of(nothing_is_left_behind, _the_neighbour_is_undisturbed),
    )


def _the_neighbour_is_undisturbed(outcome: Outcome) -> str | None:
    told = dict(outcome.answers)["a"]
    if told == "CancelledError":
        return None
    rows = {str(row[0]): row[1:] for row in outcome.rows}
    if told != "ok untracked->uploading v1":
        return f"the only attempt on a.txt is told {told}"
    if rows["a.txt"] != ("uploading", 1) or rows.get("a") != ("a.txt", 1):
        return f"a.txt is {rows['a.txt']}, its journal {rows.get('a')}"
    return None


def _two_files(
    name: str,
    sentence: str,
    setup: str,
    events: Sequence[str],
    *,
    locks: Callable[[], Locks] | None,
    waits: bool = False,
    **options: Any,
) -> Scenario:
    how = core_of(setup)

    def attempts(model: ConnectionModel, setting: Setting) -> Sequence[Attempt]:
        ended = asyncio.Event()

        async def guard(row: FileRow, _edge: Edge) -> bool:
            if waits and row.file_path == "b.txt":
                await ended.wait()
            return True

        manager = _manager(model, setting, how, guard, locks)

        async def first() -> object:
            try:
                return await _told(manager, "a.txt", "start_upload", "a")
            finally:
                ended.set()

        others = [
            (letter, functools.partial(_told, manager, "b.txt", event, letter))
            for letter, event in zip("bcdefgh", events, strict=False)
        ]
        # The other file's attempts come first: what they hold is held when ours begins.
        return [*others, ("a", first)]

    return Scenario(
        name=name,
        sentence=sentence,
        create_sql=";".join(Schema().create_statements()),
        reset_sql=_RESET,
        observe_sql=_OBSERVE,
        attempts=attempts,
        open=functools.partial(_open, how=how),
        close=_close,
        **options,
    )


async def _told(manager: FileTransitionManager, key: str, event: str, attempt_id: str) -> object:
    result = await manager.transition(key, event, attempt_id=attempt_id)
    return f"ok {result.from_state}->{result.to_state} v{result.version}"


def _store(model: ConnectionModel, setting: Setting) -> Store:
    retry = RetryPolicy(max_tries=MAX_TRIES, jitter=lambda _low, high: high)
    return Store(setting.path, connections=model, retry=retry, now=setting.now)


async def _open(setting: Setting, how: Core) -> ConnectionModel:
    model = MODELS[how.model](how.fair_writer_lock)
    await _store(model, setting).open()
    return model


async def _close(model: ConnectionModel) -> None:
    await model.close()


def _manager(
    model: ConnectionModel,
    setting: Setting,
    how: Core,
    guard: Guard,
    locks: Callable[[], Locks] | None,
) -> FileTransitionManager:
    made = locks if locks is not None else FileLockManager if how.file_locks else NoFileLocks
    return FileTransitionManager(
        _store(model, setting),
        machine=StateMachineAdapter if how.with_library else HandRolledAdapter,
        guards={"start_upload": guard},
        locks=made(),
        now=setting.now,
    )


PROMISES: dict[str, Callable[[str], Scenario]] = {
    "asked_at_once": asked_at_once,
    "crowd": crowd,
    "cut_off": cut_off,
    "neighbours": neighbours,
    "pair": pair,
    "patient_neighbour": patient_neighbour,
}
"""Every scenario of this file by its name, made for a setup."""


def from_name(name: str) -> Scenario | None:
    """Return the scenario that ``name`` says, or None when it says none."""
    match name.split(".", 2):
        case ["promise", what, setup] if what in PROMISES and is_setup(setup):
            return PROMISES[what](setup)
    return None
