"""Blocking work on the event loop's thread: statements, connects and sleeps."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Self, SupportsIndex

_watched_thread: int | None = None
_on_the_loop: list[str] = []
_elsewhere: list[str] = []
_is_installed = False
_connect = sqlite3.connect
_sleep = time.sleep
_SLEEP_IS_AUDITED = sys.version_info >= (3, 13)


def _watch(event: str, _arguments: tuple[object, ...]) -> None:
    if _watched_thread is not None and event in ("sqlite3.connect", "time.sleep"):
        _note(event)


def _watched_connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*arguments, **options)
    connection.set_trace_callback(lambda sql: _note(sql.strip().partition("\n")[0]))
    return connection


def _watched_sleep(seconds: SupportsIndex | float) -> None:
    _note("time.sleep")
    _sleep(seconds)


def _note(what: str) -> None:
    on_the_loop = threading.get_ident() == _watched_thread
    (_on_the_loop if on_the_loop else _elsewhere).append(what)


def _replace_connect(function: Callable[..., Any]) -> None:
    vars(sqlite3)["connect"] = function  # a module has no setter for an overloaded function


class LoopThreadProbe:
    """Between ``__enter__`` and ``__exit__``, notes what blocks the thread that entered.

    CPython tells of each connect by an audit event, however it was imported, and from 3.13 on of
    each ``time.sleep``; before, that is seen where it is called as an attribute of its module.
    SQLite tells of statements by a trace callback on connections made by ``sqlite3.connect``. Who
    connects in another way is seen at its connect only, so ask ``saw_statements`` too. Audit hooks
    cannot be taken back: there is one a process.
    """

    def __enter__(self) -> Self:
        """Begin to watch this thread."""
        global _is_installed, _watched_thread
        if not _is_installed:
            sys.addaudithook(_watch)
            _is_installed = True
        _on_the_loop.clear()
        _elsewhere.clear()
        _watched_thread = threading.get_ident()
        _replace_connect(_watched_connect)
        if not _SLEEP_IS_AUDITED:
            time.sleep = _watched_sleep
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        global _watched_thread
        _watched_thread = None
        _replace_connect(_connect)
        time.sleep = _sleep

    def findings(self) -> list[str]:
        """Return what ran on the thread, in order."""
        return list(_on_the_loop)

    def saw_statements(self) -> bool:
        """Say whether any statement was seen on another thread: if none was, the probe is blind."""
        return any(not what.startswith(("sqlite3.", "time.")) for what in _elsewhere)
