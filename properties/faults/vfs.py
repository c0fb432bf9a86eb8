"""SQLite's file operations, seen and decided one by one, under the stdlib's own ``sqlite3``.

Nothing of the subject changes: no URI, no other module, no compiler. Every database opened below
the shim's folder while the shim is active is hooked; all others are left alone::

    with Shim(folder) as shim:
        shim.plan = lambda op: 778 if op.kind is Kind.WRITE and op.role is Role.WAL else None
        ...                                 # any code that uses sqlite3 or aiosqlite
        shim.plan = None                    # from here on nothing fails
        shim.counts[Kind.SYNC, Role.WAL]    # fsyncs of the WAL so far

A plan sees each ``Operation`` before it is made and returns None (go on), an SQLite code (fail),
``Fail(code, done=True)`` (do it, then say it failed), ``Shorten(bytes)`` or ``Pretend()`` (say OK
and do nothing). An observer is told afterwards. To fail the Nth operation, compare
``shim.operation_count`` or ``op.index``; to let the process die there, kill it in the plan.

``virtual_sleep=True`` makes SQLite's own waiting take no time: a busy timeout of 5 s is 59 sleeps
of no length. A sleep names no file, so it belongs to the shim that its thread met last.

Threads: any; plans and observers are called one at a time, and must not wait for another thread.
Ownership: connections must be opened inside the block to be seen. Those still open at its end are
let through from then on. Errors: ``VfsUnsupportedError`` when this host cannot do it (a law that
has no other means is then not green), ``ShimBrokenError`` at the end of the block when a plan or
an observer raised: whatever the block found is then worth nothing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections import Counter
from types import TracebackType
from typing import Any, Self

from properties.faults.hooks import Hooks, installed_hooks
from properties.faults.operations import Decision, Kind, Observer, Operation, Plan, Result, Role
from properties.faults.sqlite_abi import VfsUnsupportedError
from properties.scratch import scratch_folder

ALL_KINDS = frozenset(Kind)
CHANGES = frozenset({Kind.OPEN, Kind.WRITE, Kind.TRUNCATE, Kind.SYNC, Kind.DELETE})
"""What changes files: enough for counting, recording and most faults, and cheap."""
IOERR_FSYNC = 1034


class ShimBrokenError(Exception):
    """A plan or an observer raised inside SQLite: the harness failed, and nothing was judged."""


class Shim:
    """Reports and decides SQLite's operations on the files below a folder."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        plan: Plan | None = None,
        observer: Observer | None = None,
        kinds: frozenset[Kind] = ALL_KINDS,
        virtual_sleep: bool = False,
        keeps_content: bool = False,
        has_shared_memory: bool = True,
    ) -> None:
        """Hook nothing yet. Slots that ``kinds`` leaves out stay SQLite's own and cost nothing.

        Without ``has_shared_memory`` the file system looks like one on which WAL cannot be.
        """
        self.folder = os.path.join(os.path.realpath(folder), "")
        self.plan = plan
        self.observer = observer
        self.kinds = kinds
        self.virtual_sleep = virtual_sleep
        self.keeps_content = keeps_content
        self.has_shared_memory = has_shared_memory
        self.counts: Counter[tuple[Kind, Role]] = Counter()
        """Operations that were made and succeeded; sleeps also when they took no time."""
        self.operation_count = 0
        self._handles = 0
        self._open: dict[int, Role] = {}
        self._lock = threading.RLock()
        self._errors: list[BaseException] = []
        self._hooks: Hooks | None = None

    @property
    def open_connections(self) -> int:
        """Database files open now; SQLite opens one when it connects, before any read."""
        return sum(role is Role.DATABASE for role in list(self._open.values()))

    @property
    def open_files(self) -> dict[Role, int]:
        """Files open now, by role."""
        return dict(Counter(list(self._open.values())))

    @property
    def folder_sync_count(self) -> int:
        """Syncs of the folder itself. SQLite makes one inside another sync, or inside a delete."""
        return self.counts[Kind.SYNC, Role.FOLDER]

    def __enter__(self) -> Self:
        """Hook what is opened from now on; raises ``VfsUnsupportedError``."""
        require_vfs()
        self._hooks = installed_hooks()
        self._hooks.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let everything through; raises ``ShimBrokenError`` when the harness failed."""
        if self._hooks is not None:
            self._hooks.remove(self)
        for each in self._errors:
            if isinstance(each, KeyboardInterrupt):
                raise each
        if self._errors and not isinstance(error, KeyboardInterrupt | ShimBrokenError):
            first = self._errors[0]
            raise ShimBrokenError(
                f"a plan or an observer raised {type(first).__name__}: {first}. "
                "Nothing was judged; mend the harness."
            ) from first

    # What the hooks call.

    def begin(self, kind: Kind, role: Role, name: str, **fields: Any) -> tuple[Operation, Decision]:
        """See ``Listener``."""
        with self._lock:
            self.operation_count += 1
            operation = Operation(
                index=self.operation_count, kind=kind, role=role, name=name, **fields
            )
            plan = self.plan
            return operation, None if plan is None else plan(operation)

    def end(self, operation: Operation, result: Result) -> None:
        """See ``Listener``."""
        with self._lock:
            if result.done or operation.kind is Kind.SLEEP:
                self.counts[operation.kind, operation.role] += 1
            if operation.kind is Kind.OPEN and result.code == sqlite3.SQLITE_OK:
                self._open[operation.handle] = operation.role
            elif operation.kind is Kind.CLOSE and result.done:
                self._open.pop(operation.handle, None)
            if self.observer is not None:
                self.observer(operation, result)

    def next_handle(self) -> int:
        """See ``Listener``."""
        with self._lock:
            self._handles += 1
            return self._handles

    def broke(self, error: BaseException) -> None:
        """See ``Listener``."""
        self._errors.append(error)


_tested: list[VfsUnsupportedError | None] = []
_test_lock = threading.RLock()


def require_vfs() -> None:
    """Raise ``VfsUnsupportedError`` unless the shim saw and failed real operations on this host."""
    with _test_lock:
        if not _tested:
            _tested.append(None)  # the test itself uses a shim
            _tested[0] = _self_test()
        if _tested[0] is not None:
            raise _tested[0]


def _self_test() -> VfsUnsupportedError | None:
    try:
        with scratch_folder() as folder, Shim(folder) as shim:
            path = os.path.join(folder, "self test.db")
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.executescript(
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(x)"
                )
                seen = dict(shim.counts)
                shim.plan = lambda op: IOERR_FSYNC if op.kind is Kind.SYNC else None
                code = None
                try:
                    db.execute("INSERT INTO t VALUES (1)")
                except sqlite3.Error as error:
                    code = error.sqlite_errorcode
                shim.plan = None
            left = shim.open_files
    except VfsUnsupportedError as error:
        return error
    for needed in ((Kind.OPEN, Role.DATABASE), (Kind.WRITE, Role.WAL), (Kind.SYNC, Role.WAL)):
        if not seen.get(needed):
            return VfsUnsupportedError(f"no {needed[0].value} of the {needed[1].value} was seen.")
    if code != IOERR_FSYNC or left:
        return VfsUnsupportedError(f"a failed sync gave code {code}; files left open: {left}.")
    return None
