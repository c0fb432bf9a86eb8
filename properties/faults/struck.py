"""Which connections are struck: those that the subject opens, while somebody watches.

``sqlite3.connect`` is replaced by a function that calls it and shows what came of it, in the thread
that opened it and before anybody else has it. It is taken back, and changes nothing by itself: what
opens the connection otherwise is the fault.

Choices: the audit event ``sqlite3.connect/handle`` comes too early (CPython 3.11 and 3.12 refuse
every use of the connection until ``__init__`` has returned). But it comes for every connection,
however it is opened, so it tells when one went by unseen: who keeps a ``connect`` of his own would
otherwise be judged without having been struck.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

Watch = Callable[[sqlite3.Connection], None]
Opening = Callable[[Any, dict[str, Any]], Any]
"""Sees the database and the options of a connect; may change the options, returns the database."""

_connect = sqlite3.connect
_harness = threading.local()
_counting = threading.Lock()
_watch: Watch | None = None
_opening: Opening | None = None
_opened_count = 0
_shown_count = 0
_is_installed = False


class UnseenConnectionError(Exception):
    """A connection of the subject was opened past the watch, so nothing was proven."""


def _on_event(event: str, _arguments: tuple[object, ...]) -> None:
    global _opened_count
    if event == "sqlite3.connect/handle" and not getattr(_harness, "opens", False):
        with _counting:
            _opened_count += 1


def _watched_connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    global _shown_count
    is_watched = not getattr(_harness, "opens", False)
    if is_watched and _opening is not None:
        if arguments:
            arguments = (_opening(arguments[0], options), *arguments[1:])
        else:
            options["database"] = _opening(options["database"], options)
    connection: sqlite3.Connection = _connect(*arguments, **options)
    if is_watched:
        with _counting:
            _shown_count += 1
        if _watch is not None:
            _watch(connection)
    return connection


@contextlib.contextmanager
def watching(watch: Watch, opening: Opening | None = None) -> Iterator[None]:
    """Show ``watch`` every connection that is opened inside the block, in any thread.

    ``opening`` sees it before, in the same thread.

    Raises ``UnseenConnectionError`` at its end if one was not shown. Audit hooks cannot be taken
    back: there is one a process. One watch at a time.
    """
    global _is_installed, _opened_count, _opening, _shown_count, _watch
    if not _is_installed:
        sys.addaudithook(_on_event)
        _is_installed = True
    _opened_count = _shown_count = 0
    _watch, _opening = watch, opening
    vars(sqlite3)["connect"] = _watched_connect  # a module has no setter for such a function
    try:
        yield
    finally:
        vars(sqlite3)["connect"] = _connect
        _watch = _opening = None
    if _opened_count != _shown_count:
        raise UnseenConnectionError(
            f"{_opened_count} connections were opened and {_shown_count} of them by "
            "sqlite3.connect: call it by this name where it is used."
        )


@contextlib.contextmanager
def of_the_harness() -> Iterator[None]:
    """Keep the connections that this thread opens inside the block out of it."""
    _harness.opens = True
    try:
        yield
    finally:
        _harness.opens = False
