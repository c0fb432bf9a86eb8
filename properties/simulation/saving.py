"""A search in a file: stopped or killed, it goes on from there; shards of it come together.

The file is replaced as a whole (written beside, synced, renamed), so that a kill leaves the old or
the new one. It says what it belongs to: scenario, budget, shard, the code and the versions of all
that decides; nothing else may go on with it.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path

import msgspec

import fsmcore
from properties.session import UsageError
from properties.simulation.budget import Budget
from properties.simulation.explore import Exploration, Halt
from properties.simulation.scenario import Outcome, Scenario
from properties.simulation.schedulers.exhaustive import ExhaustiveScheduler, Shard
from properties.simulation.schedulers.saved import SavedPath
from properties.simulation.world import Sharing

FORMAT = "2"
_FOLDERS = (Path(fsmcore.__file__).parent, Path(__file__).parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedOutcome:
    """An outcome, its first schedule and what it broke. ``rows`` is a Python literal."""

    answers: list[tuple[str, str]]
    rows: str
    lock_is_held: bool
    stuck: bool
    leak_count: int
    deviations: dict[int, int]
    violation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """Everything that a search knows between two runs. ``shard`` is ``2/5``, or empty."""

    identity: dict[str, str]
    shard: str
    path: SavedPath
    sharing: Sharing
    run_count: int
    cut_count: int
    elapsed_s: float
    is_complete: bool
    outcomes: list[SavedOutcome]


def identity(scenario: Scenario, budget: Budget, *, reduces: bool) -> dict[str, str]:
    """Return what decides how a search goes: another one may not go on with its file."""
    names = [each.name for each in fields(budget) if each.name != "faults"]
    return {
        "format": FORMAT,
        "scenario": scenario.name,
        "budget": ", ".join(f"{name}={getattr(budget, name)}" for name in names),
        "faults": ", ".join(fault.name for fault in budget.faults),
        "reduced": str(reduces),
        "code": _code_digest(),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "aiosqlite": version("aiosqlite"),
        "python-statemachine": version("python-statemachine"),
    }


def _code_digest() -> str:
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            if "tests" not in path.relative_to(folder).parts:
                digest.update(path.relative_to(folder).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def read(path: Path) -> SavedSearch:
    """Return what a file holds; raises ``UsageError`` when it is no search."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SavedSearch)
    except OSError as error:
        raise UsageError(f"{path.name}: {error.strerror}.") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UsageError(
            f"{path.name}: no search that can go on ({error}). Remove it to begin anew."
        ) from error


def require_same(saved: dict[str, str], wanted: dict[str, str], path: Path) -> None:
    """Raise ``UsageError`` that names every difference, when a file is of another search."""
    names = sorted(saved.keys() | wanted.keys())
    differences = [
        f"{name} was {saved.get(name)!r}, now {wanted.get(name)!r}"
        for name in names
        if saved.get(name) != wanted.get(name)
    ]
    if differences:
        raise UsageError(
            f"{path.name}: of another search: {'; '.join(differences)}. Remove it to begin anew."
        )


def write(path: Path, saved: object) -> None:
    """Replace a file as a whole; raises ``UsageError`` where nothing can be written."""
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(saved))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be kept in --state {path.parent.name}: {error.strerror}."
        ) from error


def save(
    found: Exploration,
    scheduler: ExhaustiveScheduler,
    *,
    sharing: Sharing,
    wanted: dict[str, str],
    shard: str,
) -> SavedSearch:
    """Return the record of a search between two runs."""
    return SavedSearch(
        identity=wanted,
        shard=shard,
        path=scheduler.save(),
        sharing=sharing,
        run_count=found.run_count,
        cut_count=found.cut_count,
        elapsed_s=found.elapsed_s,
        is_complete=found.is_complete,
        outcomes=[
            SavedOutcome(
                answers=list(outcome.answers),
                rows=repr(outcome.rows),
                lock_is_held=outcome.lock_is_held,
                stuck=outcome.stuck,
                leak_count=outcome.leak_count,
                deviations=deviations,
                violation=found.violations.get(outcome),
            )
            for outcome, deviations in found.schedules.items()
        ],
    )


def halted(saved: SavedSearch, scenario: Scenario) -> Halt:
    """Return where a saved search was stopped."""
    found = Exploration(
        scenario=scenario,
        run_count=saved.run_count,
        cut_count=saved.cut_count,
        elapsed_s=saved.elapsed_s,
        is_complete=saved.is_complete,
    )
    _add_outcomes(found, saved)
    return Halt(path=saved.path, sharing=saved.sharing, found=found)


def _add_outcomes(found: Exploration, saved: SavedSearch) -> None:
    for each in saved.outcomes:
        outcome = Outcome(
            answers=tuple(each.answers),
            rows=ast.literal_eval(each.rows),
            lock_is_held=each.lock_is_held,
            stuck=each.stuck,
            leak_count=each.leak_count,
        )
        if outcome not in found.schedules:
            found.schedules[outcome] = each.deviations
            if each.violation is not None:
                found.violations[outcome] = each.violation


def merged(saved: Sequence[SavedSearch], scenario: Scenario) -> Exploration:
    """Return what the shards of one search have found together.

    Raises ``UsageError`` when one is missing or there twice. ``is_complete`` when all of them are.
    """
    shards = [parsed_shard(each.shard) for each in saved]
    count = shards[0][1]
    if sorted(shards) != [(index, count) for index in range(count)]:
        there = ", ".join(each.shard or "a whole search" for each in saved)
        raise UsageError(f"{scenario.name}: not every shard once, but {there}.")
    found = Exploration(scenario=scenario, is_complete=all(each.is_complete for each in saved))
    for each in saved:
        found.run_count += each.run_count
        found.cut_count += each.cut_count
        found.elapsed_s += each.elapsed_s
        _add_outcomes(found, each)
    return found


def parsed_shard(text: str) -> tuple[int, int]:
    """Return (index from 0, count) of ``2/5``; of nothing, the one shard of one."""
    if not text:
        return 0, 1
    number, slash, count = text.partition("/")
    if not slash or not number.isdecimal() or not count.isdecimal():
        raise UsageError(f"{text!r} is no shard; 2/5 is the second of five.")
    if not 1 <= int(number) <= int(count):
        raise UsageError(f"{text!r} is no shard: there are 1/{count} to {count}/{count}.")
    return int(number) - 1, int(count)


def shard_at(text: str, level: int) -> Shard:
    """Return the shard that ``2/5`` is, at a level of the tree."""
    index, count = parsed_shard(text)
    return Shard(index=index, count=count, level=level)
