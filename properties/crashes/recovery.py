"""Faults while SQLite recovers: each operation of a reopening fails, then it is opened again.

A reopening may fail, because the disk does; it may not say anything but the truth, and it may not
spoil the file for the next one, which meets no fault.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from properties.crashes.damage import ImageId, image_of
from properties.crashes.disk import Disk, disks
from properties.crashes.examination import digest_of
from properties.crashes.recording import Recording
from properties.crashes.reopening import Recovered, reopen, write_image
from properties.faults.operations import Decision, Fail, Kind, Operation
from properties.faults.vfs import Shim
from properties.scratch import scratch_folder

_CODES = {
    Kind.OPEN: sqlite3.SQLITE_CANTOPEN,
    Kind.CLOSE: 4106,
    Kind.READ: 266,
    Kind.WRITE: 778,
    Kind.TRUNCATE: 1546,
    Kind.SYNC: 1034,
    Kind.FILE_SIZE: 1802,
    Kind.LOCK: 3850,
    Kind.UNLOCK: 2058,
    Kind.SHM_MAP: 5386,
    Kind.SHM_LOCK: 5130,
    Kind.SHM_UNMAP: 4106,
    Kind.DELETE: 2570,
    Kind.ACCESS: 3338,
}
_GIVES_BACK = {Kind.CLOSE, Kind.UNLOCK, Kind.SHM_UNMAP}
"""Done although it says it failed: else this process would keep the lock, and no crash does."""
MOST_OPERATIONS = 2000


@dataclass(slots=True)
class RecoveryFindings:
    """``run_count`` reopenings with a fault in them, over ``image_count`` images."""

    image_count: int = 0
    run_count: int = 0
    wrong: list[str] = field(default_factory=list)


def fail_every_recovery(
    recording: Recording,
    *,
    image_count: int,
    progress: Callable[[RecoveryFindings], None] = lambda _findings: None,
) -> RecoveryFindings:
    """Take evenly spread process-crash images; fail each operation, once and from there on."""
    findings = RecoveryFindings()
    with scratch_folder() as folder:
        for point, disk in _spread(recording, image_count):
            image = image_of(disk, ImageId(point, "kept"))
            write_image(folder, image)
            expected = reopen(folder, recording.database, recording.layout)
            findings.image_count += 1
            for persistent in (False, True):
                for nth in range(1, MOST_OPERATIONS):
                    write_image(folder, image)
                    found, fired = _reopen_failing(folder, recording, nth, persistent)
                    if not fired:
                        break
                    findings.run_count += 1
                    again = reopen(folder, recording.database, recording.layout)
                    how = f"after event {point}, operation {nth}{' and on' if persistent else ''}"
                    if found.damage is None and found != expected:
                        findings.wrong.append(f"{how}: the failing reopening read something else")
                    if again != expected:
                        findings.wrong.append(f"{how}: the next reopening read {again.damage}")
            progress(findings)
    return findings


def fault_for(operation: Operation) -> Decision:
    """Return how an operation fails: with the code that a failing disk gives it."""
    if operation.kind is Kind.SLEEP:
        return None
    return Fail(_CODES[operation.kind], done=operation.kind in _GIVES_BACK)


def _spread(recording: Recording, count: int) -> Iterator[tuple[int, Disk]]:
    seen: set[bytes] = set()
    last = len(recording.events)
    wanted = {max(1, last * step // count) for step in range(1, count + 1)}
    for point, disk in disks(recording):
        if point in wanted:
            digest = digest_of(disk.image(disk.everything()))
            if digest not in seen:
                seen.add(digest)
                yield point, disk


def _reopen_failing(
    folder: str, recording: Recording, nth: int, persistent: bool
) -> tuple[Recovered, bool]:
    def plan(operation: Operation) -> Decision:
        hit = operation.index >= nth if persistent else operation.index == nth
        return fault_for(operation) if hit else None

    with Shim(folder, plan=plan, virtual_sleep=True) as shim:
        found = reopen(folder, recording.database, recording.layout)
    return found, shim.operation_count >= nth
