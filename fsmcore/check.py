"""``python -m fsmcore.check FILE``: say whether a database is sound, without writing to it.

The file may be live. Exit codes: 0 sound, 1 not sound, 2 usage, 4 it could not be judged.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsmcore import schema as sql
from fsmcore.connections import database_uri, describe
from fsmcore.errors import SchemaMismatchError, StoreUnavailableError
from fsmcore.invariants import Violation, audit
from fsmcore.lifecycle import FILE_LIFECYCLE
from fsmcore.schema import Schema
from fsmcore.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsmcore.lifecycle import Lifecycle

_SNAPSHOT_TRIES = 5


@contextlib.contextmanager
def reading(path: str) -> Iterator[sqlite3.Connection]:
    """Lend a connection that makes, changes and removes no file beside ``path``, live or not.

    With ``-wal`` and ``-shm`` there, a read-only connection joins the readers. Without a WAL it
    would make both (and could not take them away again), so the file is read as immutable. A WAL
    alone was left by a crash: nobody is connected, and copies of both are recovered elsewhere.
    """
    wal, shm = os.path.exists(f"{path}-wal"), os.path.exists(f"{path}-shm")
    with contextlib.ExitStack() as stack:
        uri = database_uri(path, mode="ro")
        if not wal:
            uri += "&immutable=1"
        elif not shm:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            for suffix in ("", "-wal"):
                shutil.copyfile(path + suffix, os.path.join(folder, f"copy{suffix}"))
            uri = database_uri(os.path.join(folder, "copy"), mode="rw")
        db = sqlite3.connect(uri, uri=True, isolation_level=None)
        stack.enter_context(contextlib.closing(db))
        yield db


def check(
    path: str, lifecycle: Lifecycle = FILE_LIFECYCLE, schema: Schema | None = None
) -> list[Violation]:
    """Return every violation in the database at ``path``; an empty list means sound.

    Raises ``StoreUnavailableError`` when it cannot be read or does not stand still,
    ``SchemaMismatchError`` when it is another kind of database, and ``sqlite3.Error``.
    """
    schema = schema if schema is not None else Schema()
    name = os.path.basename(path)
    if not os.path.isfile(path):
        raise StoreUnavailableError(f"{shown(name)}: no such file.")
    for _ in range(_SNAPSHOT_TRIES):
        before = _looks(path)
        with reading(path) as db:
            require_layout(db, schema, name)
            violations = audit(db, lifecycle, schema)
        if _looks(path) == before:
            return violations
    raise StoreUnavailableError(f"{shown(name)}: kept being opened and closed; try again.")


def require_layout(db: sqlite3.Connection, schema: Schema, name: str) -> None:
    """Raise ``SchemaMismatchError`` unless the database has this schema."""
    ((user_version, _),) = db.execute(sql.SELECT_LAYOUT).fetchall()
    found = {
        table: [name for (name,) in db.execute(sql.SELECT_COLUMNS, (table,)).fetchall()]
        for table in schema.tables
    }
    problem = schema.problem(user_version, found)
    if problem is not None:
        raise SchemaMismatchError(f"{shown(name)}: {problem}")


def _looks(path: str) -> tuple[object, ...]:
    """Return what differs if the way of reading was the wrong one in between."""
    beside = tuple(os.path.exists(path + suffix) for suffix in ("-wal", "-shm"))
    if all(beside):
        return beside  # a reader among readers has one snapshot, whatever is written meanwhile
    status = os.stat(path)
    return (*beside, status.st_mtime_ns, status.st_size)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m fsmcore.check",
        description="Say whether a database of files is sound, without writing to it.",
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--no-journal", action="store_true", help="the database has no journal")
    parser.add_argument("--json", action="store_true", help="print the violations as JSON")
    options = parser.parse_args(arguments)
    schema = Schema(journal_table=None) if options.no_journal else Schema()
    try:
        violations = check(options.file, schema=schema)
    except (StoreUnavailableError, SchemaMismatchError, OSError) as error:
        print(f"check: invalid: {error}")
        return 4
    except sqlite3.DatabaseError as error:
        print(f"check: fail: not a database, or damaged ({describe(error)})")
        return 1
    if options.json:
        fields = ("invariant", "file_path", "found")
        print(json.dumps([{name: getattr(v, name) for name in fields} for v in violations]))
    else:
        for violation in violations:
            print(violation)
    verdict = "fail" if violations else "pass"
    print(f"check: {verdict}: {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
