"""Real transitions through a real subject on a recorded disk, one after the other.

The order of operations is the same in every run, so an image's number means the same image again.
The workload crosses everything that moves bytes: the file's creation, commits on fresh connections,
a checkpoint that leaves the WAL to be written over from its beginning, one that cuts it, the last
close that removes it, and a second life on the same file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from properties.crashes.judging import SEEDED
from properties.crashes.recording import Promise, Recorder, Recording, require_empty
from properties.faults.operations import Decision, Fail, Kind, Operation, Pretend, Role
from properties.faults.vfs import CHANGES, IOERR_FSYNC, Shim
from properties.subjects import Answer, AnswerKind, Offer, Request, Subject

DATABASE = "rows.db"
STEP_COUNT = 3
"""How many steps a file takes, where its lifecycle has so many in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much is done. ``file_count`` files take three steps, ``life_count`` times."""

    file_count: int = 2
    life_count: int = 2


@dataclass(slots=True)
class Disturbed:
    """What the disk does beside recording: syncs that lie, or the next sync of the WAL that fails.

    ``failure`` is spent by one sync.
    """

    syncs_lie: bool = False
    failure: Fail | None = None

    def plan(self, operation: Operation) -> Decision:
        """Decide about syncs."""
        if operation.kind is not Kind.SYNC:
            return None
        if operation.role is Role.WAL and self.failure is not None:
            failure, self.failure = self.failure, None
            return failure
        return Pretend() if self.syncs_lie else None


class Recorded(Protocol):
    """What a mode says about how it is recorded."""

    @property
    def make(self) -> Callable[[], Subject]:
        """Makes the subject."""
        ...

    @property
    def checkpoint_synchronous(self) -> str:
        """How the connection waits for the disk that makes the checkpoints."""
        ...

    @property
    def syncs_lie(self) -> bool:
        """Whether the disk says OK to a sync and does nothing."""
        ...

    @property
    def fsync_fails(self) -> bool:
        """Whether the sync of some COMMIT fails."""
        ...


async def record(mode: Recorded, folder: str, workload: Workload) -> Recording:
    """Run the workload in an empty folder and return what its disk was told.

    Raises ``ShimBrokenError`` when the recorder failed, and ``WorkloadError`` when the subject did
    not do its part: a recording of less would prove less.
    """
    require_empty(folder)
    disturbed = Disturbed(syncs_lie=mode.syncs_lie)
    subject = mode.make()
    recorder = Recorder(DATABASE, subject.layout, subject.lifecycle, beneath=disturbed.plan)
    with Shim(
        folder,
        plan=recorder.plan,
        observer=recorder.observe,
        kinds=CHANGES,
        keeps_content=True,
    ):
        await perform(mode, folder, workload, recorder.tell, disturbed)
    return recorder.recording


Tell = Callable[[Promise, str, tuple[str, str, int] | None], None]
"""Takes what a caller hears: the promise, its key, and the row of an acknowledgement."""


async def perform(
    mode: Recorded, folder: str, workload: Workload, tell: Tell, disturbed: Disturbed
) -> None:
    """Run the workload. Raises ``WorkloadError`` when the subject did not do its part."""
    run = _Run(mode, folder, tell, disturbed)
    for life in range(workload.life_count):
        await run.life(life, workload)


class WorkloadError(Exception):
    """The subject did not do what the workload needs; nothing was recorded that could be judged."""


class _Run:
    def __init__(self, mode: Recorded, folder: str, tell: Tell, disturbed: Disturbed) -> None:
        self._mode = mode
        self._path = os.path.join(folder, DATABASE)
        self._tell_caller = tell
        self._disturbed = disturbed
        self._attempt_count = 0

    async def life(self, life: int, workload: Workload) -> None:
        subject = self._mode.make()
        await subject.make(self._path)
        try:
            files = [f"life {life}/file {index}" for index in range(workload.file_count)]
            for file in files:
                await subject.seed(file)
                self._tell_caller(Promise.ACKNOWLEDGED, SEEDED + file, None)
            road = subject.lifecycle.road(STEP_COUNT)
            for step, (event, _) in enumerate(road):
                for file in files:
                    await self._expect(subject, file, event, AnswerKind.SUCCESS)
                self._checkpoint("PASSIVE" if step == 0 else "TRUNCATE" if step == 1 else None)
            refused = subject.lifecycle.refused(road[-1][1])
            await self._expect(subject, files[0], refused, AnswerKind.NOT_ALLOWED)
            if self._mode.fsync_fails:
                await self._fail_and_settle(subject, life)
        finally:
            await subject.close()

    async def _expect(self, subject: Subject, file: str, event: str, expected: AnswerKind) -> str:
        self._attempt_count += 1
        attempt_id = f"attempt {self._attempt_count}"
        self._tell_caller(Promise.SUBMITTED, attempt_id, None)
        answer = await subject.attempt(Request(attempt_id=attempt_id, file_path=file, event=event))
        self._tell(attempt_id, file, answer)
        if answer.kind is not expected:
            raise WorkloadError(
                f"{attempt_id} ({event} on {file!r}) was answered {answer.kind.value!r}, expected "
                f"{expected.value!r}. {answer.detail}"
            )
        return attempt_id

    def _tell(self, attempt_id: str, file: str, answer: Answer) -> None:
        if answer.kind.says_moved:
            told = (file, answer.to_state or "", answer.version or 0)
            self._tell_caller(Promise.ACKNOWLEDGED, attempt_id, told)
        elif answer.kind.says_unmoved:
            self._tell_caller(Promise.DENIED, attempt_id, None)
        else:
            self._tell_caller(Promise.UNKNOWN, attempt_id, None)

    async def _fail_and_settle(self, subject: Subject, life: int) -> None:
        """Let the sync of a COMMIT fail, ask for its outcome, commit again, ask again."""
        event, _ = subject.lifecycle.road(1)[0]
        for done in (False, True):
            file = f"life {life}/fsync fails, {'done' if done else 'not done'}"
            await subject.seed(file)
            self._tell_caller(Promise.ACKNOWLEDGED, SEEDED + file, None)
            self._disturbed.failure = Fail(IOERR_FSYNC, done=done)
            doubted = await self._expect(subject, file, event, AnswerKind.UNKNOWN)
            await self._ask(subject, doubted)
            await self._expect(subject, file, event, AnswerKind.SUCCESS)
            await self._ask(subject, doubted)

    async def _ask(self, subject: Subject, attempt_id: str) -> None:
        if Offer.OUTCOMES not in subject.offers:
            return
        committed = await subject.outcome_of(attempt_id)
        if committed is not None:
            promise = Promise.ACKNOWLEDGED if committed else Promise.DENIED
            self._tell_caller(promise, attempt_id, None)

    def _checkpoint(self, mode: str | None) -> None:
        """Checkpoint by a connection of somebody else's, which waits for the disk as we do."""
        if mode is None:
            return
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as db:
            db.execute(f"PRAGMA synchronous={self._mode.checkpoint_synchronous}")
            ((busy, _, _),) = db.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        if busy:
            raise WorkloadError(f"the {mode} checkpoint was kept out; who holds a snapshot?")
