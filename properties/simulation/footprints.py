"""What each step reads and writes of the things that tasks share: the ground of every reduction.

Two steps whose footprints do not conflict give the same state in both orders, so only one order
needs to be explored. The rules for SQL follow https://sqlite.org/isolation.html and
https://sqlite.org/lang_transaction.html for WAL mode; what they do not know touches everything.
That is: a text that holds more than one statement (but a whole transaction, or reads in one), a
method that may run several (``executescript``, ``executemany``), and a write that its call need not
end. In autocommit the lock and the COMMIT of ``RETURNING`` last until the rows are fetched or the
cursor is dropped.

Choices. One database file is assumed: two files only make this coarser, never wrong. All
locks of asyncio count as one shared thing, all events as another, all connections that several
actors use as a third: whoever submits to one of them first is served first. Memory that tasks share
without them is not seen: a scenario declares it with ``World.touch`` and ``World.look``
(``scenarios.core`` does for what a store remembers), and containment is the check that nothing was
forgotten.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache

from properties.simulation.scheduler import Footprint

ROWS = 1 << 0
"""The committed content."""
WRITE_LOCK = 1 << 1
"""SQLite's one write lock."""
LAYOUT = 1 << 2
"""Tables, journal mode: what almost nobody changes."""
LOCKS = 1 << 3
"""asyncio's locks, conditions, semaphores and queues."""
EVENTS = 1 << 4
"""asyncio's events: setting one that nobody awaits reads, looking at one writes."""
CLOCK = 1 << 5
SHARED = 1 << 6
"""Memory that a scenario declared shared."""
FAULT_BUDGET = 1 << 7
CLOCK_BUDGET = 1 << 8
OVERLAP_BUDGET = 1 << 9
QUEUES = 1 << 10
"""The order of calls on connections that several actors use."""
FIRST_ACTOR = 1 << 11
"""Actor number i is ``FIRST_ACTOR << i``."""

NOTHING = Footprint(0, 0)
EVERYTHING = Footprint(-1, -1)

_WORD = re.compile(r"\s*(?:--[^\n]*\n\s*)*([A-Za-z]+)")
_SCHEMA = r"(?:sqlite_schema|sqlite_master)"
_LAYOUT_TABLE = (
    rf"(?:{_SCHEMA}|pragma_(?:user_version|schema_version|journal_mode"
    r"|(?:table_x?info|index_list|index_x?info)\([?\w.'\"]*\))(?:\s+AS\s+\w+)?)"
)
_LAYOUT_COLUMN = rf"(?:\*|[\w.\"]+|\(\s*SELECT\s+count\(\*\)\s+FROM\s+{_SCHEMA}\s*\))"
_LAYOUT_TERM = r"(?:NOT\s+)?[\w.\"]+(?:\s*(?:=|<>|LIKE)\s*(?:\?|[\w.\"]+|'[^']*'))?"
_LAYOUT_SELECT = (
    rf"\s*SELECT\s+{_LAYOUT_COLUMN}(?:\s*,\s*{_LAYOUT_COLUMN})*"
    rf"\s+FROM\s+{_LAYOUT_TABLE}(?:\s*,\s*{_LAYOUT_TABLE})*"
    rf"(?:\s+WHERE\s+{_LAYOUT_TERM}(?:\s+AND\s+{_LAYOUT_TERM})*)?"
)
_LAYOUT_ONLY = re.compile(
    rf"{_LAYOUT_SELECT}(?:\s+UNION\s+ALL{_LAYOUT_SELECT})*(?:\s+ORDER\s+BY\s+\w+)?\s*;?\s*",
    re.IGNORECASE,
)
"""What reads the layout and nothing else, word by word. Not in it: ``pragma_data_version``, which
every commit of others changes."""
_PRIVATE_PRAGMAS = re.compile(
    r"\s*PRAGMA\s+(?:synchronous|busy_timeout|foreign_keys|cache_size|query_only)\b", re.IGNORECASE
)
_IMMEDIATE = re.compile(r"\s*BEGIN\s+(?:IMMEDIATE|EXCLUSIVE)\b", re.IGNORECASE)
_WHOLE = re.compile(
    r"\s*BEGIN\s+IMMEDIATE\s*;.*;\s*(COMMIT|ROLLBACK)\s*", re.IGNORECASE | re.DOTALL
)
_LOOK = re.compile(r"\s*BEGIN\s*;(?:\s*SELECT\b[^;]*;)+\s*ROLLBACK\s*", re.IGNORECASE)
"""Several reads of one snapshot, which ends with them."""
_SEVERAL = re.compile(r";\s*\S")
_NOT_AT_ONCE = re.compile(r"\bRETURNING\b|\bOR\s+FAIL\b", re.IGNORECASE)
"""A write that is not over with its call, or that leaves half of itself when it raises."""
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_PRIVATE = NOTHING

_taken = Footprint(ROWS, WRITE_LOCK)
_refused = Footprint(WRITE_LOCK | ROWS, 0)
_published = Footprint(0, ROWS | WRITE_LOCK)
_released = Footprint(0, WRITE_LOCK)
_undone = Footprint(WRITE_LOCK | ROWS, 0)
_perhaps_published = Footprint(WRITE_LOCK | ROWS, WRITE_LOCK | ROWS)
_read = Footprint(ROWS, 0)
LAYOUT_READ = Footprint(LAYOUT, 0)


def of_call(
    operation: str, sql: str | None, *, in_transaction: bool, holds_lock: bool, failed: bool
) -> Footprint:
    """Return what a database call touched; ``operation`` is the name of the sqlite3 method.

    ``in_transaction`` and ``holds_lock`` (the write lock) are as before the call, ``failed`` is
    whether it raised.
    """
    if sql is not None:
        if operation not in _ONE_STATEMENT:
            return EVERYTHING
        if operation == "execute" and _verb(sql) is _Verb.SELECT_LAYOUT:
            return _read  # its cursor may stay unfinished, and pins a snapshot of the rows as well
        return _of_sql(sql, in_transaction=in_transaction, holds_lock=holds_lock, failed=failed)
    if operation == "connect":
        return LAYOUT_READ  # a factory may read PRAGMAs in the call that opens
    if operation in {"cursor", "fetchone", "fetchmany", "fetchall", "stop"}:
        # A fetch of an unfinished SELECT goes on in the snapshot that its execute took.
        return _PRIVATE
    if operation == "commit":
        return _published if in_transaction else _PRIVATE
    if operation == "rollback":
        return _released if in_transaction else _PRIVATE
    if operation == "close":
        # Closing inside a transaction may leave a zombie that keeps its locks until the garbage
        # collector comes: nobody knows when.
        return EVERYTHING if in_transaction else _PRIVATE
    return EVERYTHING


class _Verb(enum.Enum):
    """What a statement does, as far as its text tells."""

    SELECT = "reads rows"
    SELECT_LAYOUT = "reads PRAGMAs or the schema"
    WRITE = "writes rows"
    BEGIN = "begins, and takes nothing yet"
    BEGIN_IMMEDIATE = "takes the write lock"
    COMMIT = "commits"
    ROLLBACK = "rolls back"
    WHOLE = "begins, writes and commits, in one call"
    WHOLE_UNDONE = "begins, reads and rolls back, in one call"
    PRIVATE = "sets what only its connection sees"
    UNKNOWN = "anything"


_VERBS = {
    "SELECT": _Verb.SELECT,
    "BEGIN": _Verb.BEGIN,
    "SAVEPOINT": _Verb.BEGIN,
    "COMMIT": _Verb.COMMIT,
    "END": _Verb.COMMIT,
    "RELEASE": _Verb.COMMIT,  # of the outermost savepoint; an inner one does less
    "ROLLBACK": _Verb.ROLLBACK,
    **dict.fromkeys(_WRITES, _Verb.WRITE),
}


_ONE_STATEMENT = frozenset({"execute", "fetchall", "insert", "hop"})
"""Methods that run one statement, or a whole transaction. All but ``execute`` also end it."""
_LONE = frozenset({_Verb.WRITE, _Verb.WHOLE, _Verb.WHOLE_UNDONE})


@lru_cache(maxsize=4096)
def _verb(sql: str) -> _Verb:
    whole = _WHOLE.fullmatch(sql)
    if whole is not None:
        return _Verb.WHOLE if whole.group(1).upper() == "COMMIT" else _Verb.WHOLE_UNDONE
    if _LOOK.fullmatch(sql):
        return _Verb.SELECT
    if _SEVERAL.search(sql) or _NOT_AT_ONCE.search(sql):
        return _Verb.UNKNOWN
    found = _WORD.match(sql)
    verb = _VERBS.get(found.group(1).upper() if found else "", _Verb.UNKNOWN)
    if verb is _Verb.SELECT and _LAYOUT_ONLY.fullmatch(sql):
        return _Verb.SELECT_LAYOUT
    if verb is _Verb.BEGIN and _IMMEDIATE.match(sql):
        return _Verb.BEGIN_IMMEDIATE
    if verb is _Verb.UNKNOWN and _PRIVATE_PRAGMAS.match(sql):
        return _Verb.PRIVATE
    return verb


def forget_texts() -> None:
    """Read every text again; for who changes how they are read."""
    _verb.cache_clear()


def _of_sql(sql: str, *, in_transaction: bool, holds_lock: bool, failed: bool) -> Footprint:
    verb = _verb(sql)
    if verb is _Verb.SELECT:
        return _PRIVATE if holds_lock else _read
    if verb is _Verb.SELECT_LAYOUT:
        return _read if in_transaction and not holds_lock else LAYOUT_READ
    if verb is _Verb.WRITE:
        if holds_lock:
            return _PRIVATE
        if in_transaction:
            return _refused if failed else _taken
        return _refused if failed else _published
    if verb is _Verb.WHOLE:
        # A COMMIT that was interrupted at its last step raises, and is durable.
        return _perhaps_published if failed else _published
    if verb is _Verb.WHOLE_UNDONE:
        return _undone
    if verb is _Verb.BEGIN_IMMEDIATE:
        return _refused if failed else _taken
    if verb is _Verb.COMMIT:
        return _published if in_transaction else _PRIVATE
    if verb is _Verb.ROLLBACK:
        return _released if in_transaction else _PRIVATE
    if verb is _Verb.BEGIN or verb is _Verb.PRIVATE:
        return _PRIVATE
    return EVERYTHING


def may_write_later(operation: str, sql: str | None) -> bool:
    """Return whether a call may leave a write open that ends when its cursor does.

    ``fetchall``, ``close``, the next ``execute`` and the garbage collector end a cursor.
    """
    return sql is not None and operation == "execute" and _verb(sql) is _Verb.UNKNOWN


def takes_write_lock(sql: str | None, *, in_transaction: bool) -> bool:
    """Return whether a call that succeeds holds the write lock from then on.

    Outside a transaction a write takes and releases it in one call.
    """
    if sql is None:
        return False
    verb = _verb(sql)
    return verb is _Verb.BEGIN_IMMEDIATE or (in_transaction and verb is _Verb.WRITE)


def is_lone_write(sql: str | None, *, in_transaction: bool) -> bool:
    """Return whether a call takes the write lock and lets it go within itself."""
    return sql is not None and not in_transaction and _verb(sql) in _LONE


def is_whole(sql: str | None) -> bool:
    """Return whether a call is a transaction from its beginning to its end."""
    return sql is not None and _verb(sql) in {_Verb.WHOLE, _Verb.WHOLE_UNDONE}
