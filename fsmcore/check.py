"""``python -m fsmcore.check FILE``: say whether a database is sound, without writing to it.

The file may be live. Exit codes: 0 sound, 1 not sound, 2 usage, 4 it could not be judged.
"""

from __future__ import annotations

import argparse
import contextlib
import enum
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsmcore import schema as sql
from fsmcore.errors import (
    FsmCoreError,
    SchemaMismatchError,
    StoreCorruptError,
    StoreUnavailableError,
)
from fsmcore.invariants import Violation, audit
from fsmcore.lifecycle import FILE_LIFECYCLE
from fsmcore.schema import Schema
from fsmcore.sqlite import database_uri, require_file, translated
from fsmcore.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsmcore.lifecycle import Lifecycle

_BUSY_TIMEOUT_S = 5.0
_TRIES = 9


class Way(enum.Enum):
    """How to read a file so that nothing beside it is made, changed or removed."""

    JOIN = "a read-only connection among the others; their locks hold it one snapshot"
    STILL = "WAL mode and no WAL: to join would make one, so it is read as immutable"
    COPY = "a WAL that a crash left: nobody is connected, and a copy is recovered elsewhere"


def way_to_read(path: str) -> Way:
    """Choose by what lies beside the file itself (not a link to it), and by its journal mode."""
    path = os.path.realpath(path)
    if os.path.exists(f"{path}-wal"):
        return Way.JOIN if os.path.exists(f"{path}-shm") else Way.COPY
    # Without locks, which WAL needs, SQLite refuses just the files that are in WAL mode. To read
    # the header in Python would drop every lock that this process holds on the file.
    try:
        with contextlib.closing(_connected(path, "&nolock=1")) as db:
            db.execute("PRAGMA schema_version").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN:
            return Way.STILL
    except sqlite3.DatabaseError:
        pass  # not a database: whoever reads it next is told
    return Way.JOIN


@contextlib.contextmanager
def reading(path: str, way: Way) -> Iterator[sqlite3.Connection]:
    """Lend a connection that reads ``path`` in that way."""
    with contextlib.ExitStack() as stack:
        if way is Way.COPY:
            db = _copied(path, "-wal", stack)
        else:
            db = _connected(path, "&immutable=1" if way is Way.STILL else "")
            stack.enter_context(contextlib.closing(db))
            try:
                db.execute("PRAGMA schema_version").fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                    raise
                db = _copied(path, "-journal", stack)  # a rollback journal that a crash left
        yield db


def _copied(path: str, suffix: str, stack: contextlib.ExitStack) -> sqlite3.Connection:
    copy = os.path.join(stack.enter_context(tempfile.TemporaryDirectory()), "copy")
    shutil.copyfile(path, copy)
    shutil.copyfile(path + suffix, copy + suffix)
    db = sqlite3.connect(copy, isolation_level=None)
    stack.enter_context(contextlib.closing(db))
    return db


def _connected(path: str, options: str) -> sqlite3.Connection:
    uri = database_uri(path, mode="ro") + options
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)


def check(
    path: str, lifecycle: Lifecycle = FILE_LIFECYCLE, schema: Schema | None = None
) -> list[Violation]:
    """Return every violation in the database at ``path``; an empty list means sound.

    Raises ``StoreCorruptError`` when it is damaged beyond reading, ``SchemaMismatchError`` when it
    is another kind of database, and ``StoreBusyError`` or ``StoreUnavailableError`` when it
    cannot be read now, does not stand still, or has several names (hard links).
    """
    schema = schema if schema is not None else Schema()
    name = shown(os.path.basename(path))
    last = ""
    for _ in range(_TRIES):
        real_path = _only_file(path, name)
        way, before = way_to_read(real_path), _looks(real_path)
        error: FsmCoreError | None = None
        violations: list[Violation] = []
        try:
            with translated(name), reading(real_path, way) as db:
                require_layout(db, schema, name)
                violations = audit(db, lifecycle, schema)
        except FsmCoreError as caught:
            error = caught
        except OSError as caught:
            error = StoreUnavailableError(f"{name}: {caught.strerror}.")
        if way is not way_to_read(real_path) or (
            way is not Way.JOIN and _looks(real_path) != before
        ):
            continue  # opened, written or closed meanwhile, so this was the wrong way to read it
        # A file's time has grains of some milliseconds, so two writes may look like none; but what
        # is torn is not torn the same way twice.
        found = str(error or violations)
        if way is Way.JOIN or found == last or not (error or violations):
            if error is not None:
                raise error
            return violations
        last = found
    raise StoreUnavailableError(f"{name}: kept being opened and closed; try again.")


def _only_file(path: str, name: str) -> str:
    """Return where the file is that ``path`` leads to: beside that, SQLite keeps the WAL."""
    require_file(path)
    real_path = os.path.realpath(path)
    with contextlib.suppress(FileNotFoundError):  # gone by now: whoever opens it says so
        if (link_count := os.stat(real_path).st_nlink) > 1:
            raise StoreUnavailableError(
                f"{name}: has {link_count} names (hard links), and its WAL may lie beside any of "
                "them. Check a copy made by SQLite (VACUUM INTO), or leave it one name."
            )
    return real_path


def require_layout(db: sqlite3.Connection, schema: Schema, name: str) -> None:
    """Raise ``SchemaMismatchError`` unless the database has this schema."""
    ((user_version, _),) = db.execute(sql.SELECT_LAYOUT).fetchall()
    found = {table: db.execute(sql.SELECT_COLUMNS, (table,)).fetchall() for table in schema.tables}
    problem = schema.problem(user_version, found)
    if problem is not None:
        raise SchemaMismatchError(f"{name}: {problem}")


def _looks(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = os.stat(path)
        return status.st_mtime_ns, status.st_size
    return None


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
    except StoreCorruptError as error:
        print(f"check: fail: {error}")
        return 1
    except FsmCoreError as error:
        print(f"check: invalid: {error}")
        return 4
    if options.json:
        fields = ("invariant", "file_path", "found")
        print(json.dumps([{name: getattr(v, name) for name in fields} for v in violations]))
    else:
        for violation in violations:
            print(violation)
    verdict = "fail" if violations else "pass"
    # With --json the standard output is JSON and nothing else: it goes to a parser.
    said = sys.stderr if options.json else sys.stdout
    print(f"check: {verdict}: {len(violations)} violations", file=said)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
