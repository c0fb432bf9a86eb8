"""Truths about a database file, as named functions from a connection to violations.

They read through the standard library alone and share no code with what wrote the file. Each
one takes a ``sqlite3.Connection``, a lifecycle and a schema, and reports what it finds; none
raises for bad content. ``audit`` runs them all in one read transaction.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fsmcore import schema as sql
from fsmcore.lifecycle import FILE_LIFECYCLE
from fsmcore.schema import Schema
from fsmcore.text import shown

if TYPE_CHECKING:
    from fsmcore.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken truth: its name, which file (None: the whole database), and what was found."""

    invariant: str
    file_path: str | None
    found: str

    def __str__(self) -> str:
        """Return one line."""
        where = "database" if self.file_path is None else shown(self.file_path)
        return f"{self.invariant}: {where}: {self.found}"


Finding = tuple[str | None, str]
Invariant = Callable[[sqlite3.Connection, "Lifecycle", Schema], Iterator[Finding]]


def pages_are_sound(db: sqlite3.Connection, _l: Lifecycle, _s: Schema) -> Iterator[Finding]:
    """``PRAGMA integrity_check`` has nothing to say."""
    for (line,) in db.execute("PRAGMA integrity_check(20)").fetchall():
        if line != "ok":
            yield None, str(line)


def every_state_is_known(
    db: sqlite3.Connection, lifecycle: Lifecycle, schema: Schema
) -> Iterator[Finding]:
    """A row is in a state that the lifecycle has."""
    for key, state, _ in db.execute(schema.sql(sql.SELECT_FILES)):
        if state not in lifecycle.states:
            yield _text(key), f"state {state!r}"


def every_version_counts(
    db: sqlite3.Connection, _l: Lifecycle, schema: Schema
) -> Iterator[Finding]:
    """A version is a whole number from 0 on."""
    for key, _, version in db.execute(schema.sql(sql.SELECT_FILES)):
        if not isinstance(version, int) or version < 0:
            yield _text(key), f"version {version!r}"


def every_attempt_is_there_once(
    db: sqlite3.Connection, _l: Lifecycle, schema: Schema
) -> Iterator[Finding]:
    """No two journal entries are of one attempt."""
    for attempt_id, count in Counter(row[0] for row in _journal(db, schema)).items():
        if count > 1:
            yield None, f"attempt {_text(attempt_id)!r} is in the journal {count} times"


def every_edge_taken_is_legal(
    db: sqlite3.Connection, lifecycle: Lifecycle, schema: Schema
) -> Iterator[Finding]:
    """The journal holds edges of the lifecycle only."""
    legal = {(edge.source, edge.event, edge.target) for edge in lifecycle.edges}
    for key, entries in itertools.groupby(_journal(db, schema), key=lambda row: row[1]):
        for index, (_, _, version, event, source, target, _) in enumerate(entries):
            stood = index == 0 and event == sql.ADOPTED_EVENT and source == target
            if not stood and (source, event, target) not in legal:
                yield _text(key), f"version {version}: {source!r} --{event!r}--> {target!r}"


def every_history_is_unbroken(
    db: sqlite3.Connection, lifecycle: Lifecycle, schema: Schema
) -> Iterator[Finding]:
    """A file's journal rises by one from version 1 (or where it was adopted), state by state."""
    for key, entries in itertools.groupby(_journal(db, schema), key=lambda row: row[1]):
        last_version: object = 0
        last_state: object = lifecycle.initial
        for index, (_, _, version, event, source, target, _) in enumerate(entries):
            if index == 0 and event == sql.ADOPTED_EVENT:
                last_version, last_state = version, target
                continue
            if index == 0 and version == 1:
                last_state = source  # tracked in whatever state its owner chose
            if not isinstance(last_version, int) or version != last_version + 1:
                yield _text(key), f"version {version} follows version {last_version}"
            elif source != last_state:
                yield _text(key), f"version {version} leaves {source!r}, not {last_state!r}"
            last_version, last_state = version, target


def every_row_is_where_its_history_ends(
    db: sqlite3.Connection, _l: Lifecycle, schema: Schema
) -> Iterator[Finding]:
    """A row has the state and version of its last journal entry, and version 0 without one."""
    if schema.journal_table is None:
        return
    ends = {row[1]: (row[5], row[2]) for row in _journal(db, schema)}
    for key, state, version in db.execute(schema.sql(sql.SELECT_FILES)):
        end = ends.pop(key, None)
        if end is None and version != 0:
            yield _text(key), f"version {version!r} without a journal entry"
        elif end is not None and end != (state, version):
            yield _text(key), f"{state!r} at version {version!r}, journal: {end[0]!r} at {end[1]}"
    for key in ends:
        yield _text(key), "journal entries without a row"


INVARIANTS: tuple[Invariant, ...] = (
    pages_are_sound,
    every_state_is_known,
    every_version_counts,
    every_attempt_is_there_once,
    every_edge_taken_is_legal,
    every_history_is_unbroken,
    every_row_is_where_its_history_ends,
)


def audit(
    db: sqlite3.Connection,
    lifecycle: Lifecycle = FILE_LIFECYCLE,
    schema: Schema | None = None,
) -> list[Violation]:
    """Return every violation, all seen in one snapshot. The connection must not be in use.

    Raises ``sqlite3.Error`` when the tables cannot be read at all.
    """
    schema = schema if schema is not None else Schema()
    db.execute("BEGIN")
    try:
        return [
            Violation(invariant=check.__name__, file_path=file_path, found=found)
            for check in INVARIANTS
            for file_path, found in check(db, lifecycle, schema)
        ]
    finally:
        db.rollback()


def _journal(db: sqlite3.Connection, schema: Schema) -> Iterator[tuple[Any, ...]]:
    if schema.journal_table is not None:
        yield from db.execute(schema.sql(sql.SELECT_JOURNAL))


def _text(key: object) -> str:
    return key if isinstance(key, str) else repr(key)
