"""Success is told when the disk has it: what a commit has written is synced before it is told.

Seen operation by operation, as SQLite asks the file system for it. When an attempt is told of its
success, nothing that was written to the log waits for a sync; the file is written only from a log
that is on the disk, and the log is begun anew only over a file that is
(https://sqlite.org/wal.html). That the sync is worth anything is up to the disk; what survives a
power loss is asked image by image elsewhere. A faster setting on any of the connections breaks it.
"""

import asyncio

from properties.faults.operations import Kind, Operation, Result, Role
from properties.faults.vfs import CHANGES, Shim
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, Subject, SubjectFactory

NEEDS = frozenset({Offer.WAL})

STEP_COUNT = 3
ENDS_THE_LOG = (Kind.TRUNCATE, Kind.DELETE)


class _Disk:
    """What has been written and not synced, and what was done too early."""

    def __init__(self) -> None:
        self.unsynced: set[Role] = set()
        self.written: set[Role] = set()
        self.too_early: list[str] = []

    def __call__(self, operation: Operation, result: Result) -> None:
        if not result.done:
            return
        kind, role = operation.kind, operation.role
        if kind is Kind.SYNC:
            self.unsynced.discard(role)
        begins_anew = role is Role.WAL and (
            kind in ENDS_THE_LOG or (kind is Kind.WRITE and operation.offset == 0)
        )
        if begins_anew and Role.DATABASE in self.unsynced:
            self.too_early.append(f"{operation}: the file is not synced")
        if kind is Kind.WRITE and role is Role.DATABASE and Role.WAL in self.unsynced:
            self.too_early.append(f"{operation}: the log is not synced")
        if kind is Kind.WRITE:
            self.unsynced.add(role)
            self.written.add(role)


def test_of_each_attempt_and_of_the_close(make_subject: SubjectFactory) -> None:
    """Three attempts on each of two files, and the checkpoint when the store is closed."""
    succeeds_with_the_disk(make_subject())


def succeeds_with_the_disk(subject: Subject) -> None:
    """Let it make six attempts, and compare what it tells with what the disk has."""
    disk = _Disk()

    async def use(path: str) -> list[str]:
        await subject.make(path)
        late = []
        try:
            for name in ("f", "g"):
                await subject.seed(name)
                for event, _ in subject.lifecycle.road(STEP_COUNT):
                    asked = Request(attempt_id=f"{name} {event}", file_path=name, event=event)
                    assert AnswerKind.SUCCESS is (await subject.attempt(asked)).kind
                    if Role.WAL in disk.unsynced:
                        late.append(asked.attempt_id)
        finally:
            await subject.close()
        return late

    with scratch_folder() as folder:
        with Shim(folder, observer=disk, kinds=CHANGES):
            late = asyncio.run(use(f"{folder}/files.db"))
    assert {Role.WAL, Role.DATABASE} <= disk.written, "nothing was written that could be late"
    assert not late, f"told of success before the log was synced: {', '.join(late)}"
    assert not disk.too_early, "; ".join(disk.too_early[:3])
