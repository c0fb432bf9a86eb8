"""What becomes of one operation: a shim is asked, and it happens, fails, or is pretended."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Protocol

from properties.faults.operations import (
    Decision,
    Fail,
    Kind,
    Operation,
    Pretend,
    Result,
    Role,
    Shorten,
)

OK = sqlite3.SQLITE_OK
IOERR = sqlite3.SQLITE_IOERR
IOERR_SHORT_READ = 522
CANTOPEN = sqlite3.SQLITE_CANTOPEN

_NEVER_PRETENDED = {Kind.OPEN, Kind.CLOSE, Kind.SHM_MAP, Kind.SHM_UNMAP}
"""SQLite would follow a pointer that nobody has set."""


class Listener(Protocol):
    """What the hooks ask of a shim."""

    folder: str
    kinds: frozenset[Kind]
    virtual_sleep: bool
    keeps_content: bool
    has_shared_memory: bool

    def begin(self, kind: Kind, role: Role, name: str, **fields: Any) -> tuple[Operation, Decision]:
        """Number the operation and decide about it."""
        ...

    def end(self, operation: Operation, result: Result) -> None:
        """Take note of what came of it."""
        ...

    def next_handle(self) -> int:
        """Return the number of a file that is being opened."""
        ...

    def broke(self, error: BaseException) -> None:
        """Keep an error of the harness."""
        ...


class Deciding:
    """The shims that are active, and what they say."""

    def __init__(self) -> None:
        """Nobody listens."""
        self.listeners: tuple[Listener, ...] = ()
        self._last = threading.local()

    @property
    def last_listener(self) -> Listener | None:
        """The shim that this thread was last reported to, if it is still active."""
        listener: Listener | None = getattr(self._last, "listener", None)
        return listener if listener in self.listeners else None

    def listener_of(self, path: str) -> Listener | None:
        """Return the shim whose folder holds the file."""
        for listener in self.listeners:
            if path.startswith(listener.folder):
                return listener
        return None

    def decided(
        self,
        listener: Listener,
        kind: Kind,
        role: Role,
        name: str,
        do: Callable[[], int],
        *,
        shorten: Callable[[Shorten], int] | None = None,
        pretend: Callable[[], int] | None = None,
        **fields: Any,
    ) -> int:
        """Ask the listener, act on its answer, report what came of it; return SQLite's code."""
        self._last.listener = listener
        operation, decision = listener.begin(kind, role, name, **fields)
        if decision is None:
            code = do()
            result = Result(code, done=code in (OK, IOERR_SHORT_READ))
        elif isinstance(decision, Shorten):
            if shorten is None or not 0 <= decision.size <= operation.size:
                raise ValueError(f"{operation} cannot be shortened to {decision.size} bytes")
            code = shorten(decision)
            result = Result(code, done=False)
        elif isinstance(decision, Pretend):
            if kind in _NEVER_PRETENDED:
                raise ValueError(f"{kind.value} cannot be pretended")
            code = OK if pretend is None else pretend()
            result = Result(code, done=False)
        else:
            fail = decision if isinstance(decision, Fail) else Fail(decision)
            code = fail.code
            result = Result(code, done=fail.done and do() == OK)
        listener.end(operation, result)
        return code

    def broken(self, listener: Listener | None, error: BaseException, code: int = IOERR) -> int:
        """Give the harness's own error to whom it concerns; return ``code``."""
        for each in self.listeners if listener is None else (listener,):
            each.broke(error)
        return code
