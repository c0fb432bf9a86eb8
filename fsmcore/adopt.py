"""``python -m fsmcore.adopt FILE``: add the journal to an existing V9 database, or take it away.

The explicit, reversible step: one transaction adds the table and a row for each file that has
moved already, saying where it stood. ``--undo`` drops the table and with it what the journal
knows: after another ``adopt``, ``outcome_of`` denies the attempts of before, and their ids may be
used again. The files table is never touched. Stop the writers that know nothing of the journal
first.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from fsmcore import schema as sql
from fsmcore.check import require_layout
from fsmcore.errors import FsmCoreError, SchemaMismatchError
from fsmcore.schema import Schema
from fsmcore.sqlite import database_uri, require_file, translated
from fsmcore.text import shown

_BUSY_TIMEOUT_S = 5.0


def adopt(path: str, schema: Schema | None = None) -> int:
    """Add the journal; return how many files it says the standing of.

    Raises ``SchemaMismatchError`` when this is no such database or has a journal already, and
    ``StoreBusyError``, ``StoreUnavailableError`` or ``StoreCorruptError``. All or nothing.
    """
    schema = schema if schema is not None else Schema()

    def add(db: sqlite3.Connection) -> int:
        bad = db.execute(schema.sql(sql.SELECT_NOT_JOURNALLABLE)).fetchone()
        if bad is not None:
            key, state, version = bad
            raise SchemaMismatchError(
                f"{shown(os.path.basename(path))}: the row of key {key!r} is in state {state!r} at "
                f"version {version!r}, which a journal cannot say. Mend it first."
            )
        db.execute(schema.sql(sql.CREATE_JOURNAL))
        return db.execute(schema.sql(sql.ADOPT_ROWS), (datetime.now(UTC).isoformat(),)).rowcount

    return _changed(path, schema, present=False, change=add)


def abandon(path: str, schema: Schema | None = None) -> None:
    """Drop the journal; the reverse of ``adopt``, with the same errors."""
    schema = schema if schema is not None else Schema()

    def drop(db: sqlite3.Connection) -> int:
        db.execute(schema.sql(sql.DROP_JOURNAL))
        return 0

    _changed(path, schema, present=True, change=drop)


def _changed(
    path: str, schema: Schema, *, present: bool, change: Callable[[sqlite3.Connection], int]
) -> int:
    name = os.path.basename(path)
    if schema.journal_table is None:
        raise SchemaMismatchError(f"{shown(name)}: this schema has no journal to add or drop.")
    require_file(path)
    with translated(name), contextlib.closing(_connected(path)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            without = replace(schema, journal_table=None)
            require_layout(db, schema if present else without, shown(name))
            if not present and db.execute(sql.SELECT_COLUMNS, (schema.journal_table,)).fetchall():
                raise SchemaMismatchError(
                    f"{shown(name)}: there is a table {shown(schema.journal_table)!r} already."
                )
            count = change(db)
            db.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise
    return count


def _connected(path: str) -> sqlite3.Connection:
    uri = database_uri(path, mode="rw")
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 4 refused with nothing changed."""
    parser = argparse.ArgumentParser(
        prog="python -m fsmcore.adopt",
        description="Add the transitions journal to an existing V9 database.",
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--undo", action="store_true", help="drop the journal and what it knows")
    options = parser.parse_args(arguments)
    try:
        if options.undo:
            abandon(options.file)
            print("adopt: pass: the journal is dropped; the files are as they were")
        else:
            count = adopt(options.file)
            print(f"adopt: pass: the journal is added; {count} files stood past version 0")
    except FsmCoreError as error:
        print(f"adopt: invalid: {error}")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
