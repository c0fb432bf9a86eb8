"""Limits of the whole process: memory that is refused, files that may not grow, no descriptors.

They strike everything that the process does, so each is tried in a process of its own
(``properties.faults.child``). NOMEM counts SQLite's allocations. The others are limits: N leaves
a little more room each time, and the enumeration ends where the call no longer feels it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from properties.faults import allocator, heap
from properties.faults.plan import Fault, History, Means, Phase, Repeat, Strike

if sys.platform != "win32":
    import resource

STEP_BYTES = 512
DESCRIPTORS = Path("/proc/self/fd")


class AllocationStrike(Strike):
    """Refuses SQLite's Nth allocation."""

    def arm(self) -> None:
        """Stand in the way."""
        super().arm()
        allocator.refuses = lambda: self.is_due("NOMEM: an allocation is refused")

    def lift(self) -> None:
        """Step aside."""
        allocator.refuses = None


class FileSizeStrike(Strike):
    """Lets no file grow beyond the WAL's size and a few steps of 512 bytes.

    The system tells of a write that it cuts short by SIGXFSZ, and so it is known to have fired.
    """

    def __init__(self, fault: Fault) -> None:
        """Limit nothing yet."""
        super().__init__(fault)
        self._wal = ""

    def prepare(self, path: str, _history: History) -> None:
        """Note the file."""
        self._wal = f"{path}-wal"

    def arm(self) -> None:
        """Limit it."""
        super().arm()
        room = (self.fault.nth - 1) * STEP_BYTES
        signal.signal(signal.SIGXFSZ, self._felt)
        _set_soft(resource.RLIMIT_FSIZE, os.stat(self._wal).st_size + room)

    def _felt(self, _number: int, _frame: object) -> None:
        self.fired += 1
        if self.fired == 1:
            self.on_fire(f"struck: IOERR_WRITE, {(self.fault.nth - 1) * STEP_BYTES} bytes are left")

    def lift(self) -> None:
        """Take the limit away."""
        _set_soft(resource.RLIMIT_FSIZE, None)


class DescriptorStrike(Strike):
    """Leaves N - 1 descriptors."""

    def __init__(self, fault: Fault) -> None:
        """Take nothing yet."""
        super().__init__(fault)
        self._taken: list[int] = []

    def arm(self) -> None:
        """Take what is free among the numbers in use, and allow N - 1 above them."""
        super().arm()
        highest = max(each for each in map(int, os.listdir(DESCRIPTORS)) if _is_open(each))
        while not self._taken or self._taken[-1] < highest:
            self._taken.append(os.open(os.devnull, os.O_RDONLY))
        os.close(self._taken.pop())
        self.on_fire(f"struck: CANTOPEN, {self.fault.nth - 1} descriptors are left")
        _set_soft(resource.RLIMIT_NOFILE, highest + self.fault.nth)

    def ended(self, *, is_success: bool) -> None:
        """It was felt if the call did not succeed."""
        self.fired = int(not is_success)

    def lift(self) -> None:
        """Give everything back."""
        _set_soft(resource.RLIMIT_NOFILE, None)
        while self._taken:
            os.close(self._taken.pop())


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False  # the listing's own
    return True


_soft: dict[int, tuple[int, int]] = {}


def _set_soft(what: int, limit: int | None) -> None:
    before = _soft.setdefault(what, resource.getrlimit(what))
    resource.setrlimit(what, before if limit is None else (limit, before[1]))


def _no_limits() -> str | None:
    if sys.platform == "win32" or not DESCRIPTORS.is_dir():
        return "this system has no resource limits, or does not list descriptors"
    return None


PROCESS_LIMITS = (
    Means(
        name="memory",
        fault="NOMEM",
        operation="allocation of SQLite",
        strike=AllocationStrike,
        why_not=allocator.why_not_used,
        is_process_wide=True,
    ),
    Means(
        name="heap-limit",
        fault="NOMEM",
        operation=f"step of {heap.STEP_BYTES} bytes that SQLite's heap may grow",
        strike=heap.HeapStrike,
        why_not=heap.why_no_limit,
        repeats=(Repeat.PERSISTENTLY,),
        phases=(Phase.OPEN, Phase.ATTEMPT, Phase.ASK),
        is_process_wide=True,
        is_limit=True,
    ),
    Means(
        name="file-size",
        fault="IOERR_WRITE",
        operation="step of 512 bytes that the WAL may grow",
        strike=FileSizeStrike,
        why_not=_no_limits,
        repeats=(Repeat.PERSISTENTLY,),
        phases=(Phase.ATTEMPT,),
        is_process_wide=True,
        is_limit=True,
    ),
    Means(
        name="descriptors",
        fault="CANTOPEN",
        operation="descriptor that is left",
        strike=DescriptorStrike,
        why_not=_no_limits,
        repeats=(Repeat.PERSISTENTLY,),
        phases=(Phase.OPEN, Phase.ATTEMPT),
        is_process_wide=True,
        is_limit=True,
    ),
)
