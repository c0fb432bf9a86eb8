"""Blocking work on the event loop's thread: statements, connects and sleeps."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any, Self

_watched_thread: int | None = None
_seen: list[str] = []
_is_installed = False
_connect = sqlite3.connect


def _watch(event: str, _arguments: tuple[object, ...]) -> None:
    if event == "time.sleep":
        _note(event)


def _watched_connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    _note("sqlite3.connect")
    connection: sqlite3.Connection = _connect(*arguments, **options)
    connection.set_trace_callback(lambda sql: _note(sql.strip().partition("\n")[0]))
    return connection


def _note(what: str) -> None:
    if threading.get_ident() == _watched_thread:
        _seen.append(what)


def _replace_connect(function: Callable[..., Any]) -> None:
    vars(sqlite3)["connect"] = function  # a module has no setter for an overloaded function


class LoopThreadProbe:
    """Between ``__enter__`` and ``__exit__``, notes what blocks the thread that entered.

    CPython tells of ``time.sleep`` by an audit event, and SQLite of statements by a trace callback
    on every connection opened meanwhile. Audit hooks cannot be taken back: there is one a process.
    """

    def __enter__(self) -> Self:
        """Begin to watch this thread."""
        global _is_installed, _watched_thread
        if not _is_installed:
            sys.addaudithook(_watch)
            _is_installed = True
        _seen.clear()
        _watched_thread = threading.get_ident()
        _replace_connect(_watched_connect)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        global _watched_thread
        _watched_thread = None
        _replace_connect(_connect)

    def findings(self) -> list[str]:
        """Return what ran on the thread, in order."""
        return list(_seen)
