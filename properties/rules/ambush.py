"""Faults that lie in wait: a worker's trouble arms one, and it strikes whoever comes there first.

The same real means as ``properties.faults`` enumerates, in random combinations with races,
cancellations and each other. They strike worker threads only: the outsider works on the loop's.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from properties.faults.disk import why_no_vfs
from properties.faults.operations import Decision, Kind
from properties.faults.operations import Operation as FileOperation
from properties.faults.plan import Fault, Strike
from properties.faults.struck import watching
from properties.faults.vfs import Shim

INTERRUPTED = "is interrupted"
STEP_LIMIT = 90
DISK: dict[str, tuple[Kind, int, int]] = {
    "meets a full disk": (Kind.WRITE, sqlite3.SQLITE_FULL, 6),
    "meets a failing disk": (Kind.WRITE, 778, 6),
    "meets a failing sync": (Kind.SYNC, 1034, 2),
}
"""Each by the operation that fails, SQLite's code, and how many of them a transition makes."""
CLOCK_STEPS = "finds the clock stepped"


class Ambush:
    """The faults of one example. ``lift`` disarms those that nobody has met."""

    def __init__(self) -> None:
        """Nothing lies in wait."""
        self._interrupts: list[Strike] = []
        self._disk: list[tuple[Strike, Kind, int]] = []
        self._clock_is_off_by = timedelta()

    @contextlib.contextmanager
    def around(self, folder: str) -> Iterator[None]:
        """See the connections and the files below ``folder`` inside the block."""
        with contextlib.ExitStack() as stack:
            if why_no_vfs() is None:
                kinds = frozenset({Kind.WRITE, Kind.SYNC})
                stack.enter_context(Shim(folder, plan=self._plan, kinds=kinds))
            stack.enter_context(watching(self._watch))
            yield

    def now(self) -> datetime:
        """Return what the clock says."""
        return datetime.now(UTC) + self._clock_is_off_by

    def lay(self, what: str, size: int) -> None:
        """Arm the fault named ``what``; ``size`` chooses the operation, or the days."""
        if what == CLOCK_STEPS:
            self._clock_is_off_by = timedelta(days=size)
            return
        limit = STEP_LIMIT if what == INTERRUPTED else DISK[what][2]
        strike = Strike(Fault(means=what, nth=1 + size % limit))
        strike.arm()
        if what == INTERRUPTED:
            self._interrupts.append(strike)
        else:
            self._disk.append((strike, *DISK[what][:2]))

    @property
    def has_struck(self) -> bool:
        """Whether any of the armed faults was met, by whomever."""
        return any(strike.fired for strike in self._armed())

    def _armed(self) -> list[Strike]:
        return [*self._interrupts, *(strike for strike, _, _ in self._disk)]

    def lift(self) -> int:
        """Disarm everything; return how many faults had struck."""
        strikes = self._armed()
        self._interrupts.clear()
        self._disk.clear()
        for strike in strikes:
            strike.disarm()
        return sum(strike.fired for strike in strikes)

    def _watch(self, connection: sqlite3.Connection) -> None:
        if threading.current_thread() is not threading.main_thread():
            connection.set_progress_handler(self._step, 1)

    def _step(self) -> int:
        due = [strike.is_due("") for strike in self._interrupts]  # each counts, struck or not
        return int(any(due))

    def _plan(self, operation: FileOperation) -> Decision:
        if threading.current_thread() is threading.main_thread():
            return None
        for strike, kind, code in self._disk:
            if operation.kind is kind and strike.is_due(""):
                return code
        return None
