"""An acknowledged transition survives a power loss, and what was denied never comes back.

With ``synchronous=FULL`` COMMIT returns after the WAL, and on a fresh connection its name in the
folder, are on the disk (https://sqlite.org/pragma.html#pragma_synchronous). Judged on images of
what the disk may hold when the power fails after any write: unsynced changes lost, kept, out of
order, torn at sectors; each reopened by SQLite. Whatever survives is a state that there was. Not
claimed here: NORMAL, and disks that lie about syncs (`nox -s crashes` shows both). An answer before
COMMIT, a commit with syncs off, or a doubt that is settled too early breaks it.
"""

import asyncio
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from properties.crashes.examination import Effort, examine
from properties.crashes.modes import Mode
from properties.crashes.recording import Recording
from properties.crashes.told import story
from properties.crashes.workload import Workload, record
from properties.faults.operations import Decision, Fail, Kind, Operation, Role
from properties.faults.vfs import IOERR_FSYNC, Shim
from properties.history import snapshot
from properties.recording import RECORDER
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Place, Request, SubjectFactory

SMALL = Workload(file_count=1, life_count=1)
EFFORT = Effort(subset_count=1, most_changes=6)


def _judge(mode: Mode, tally: Counter[str]) -> None:
    recording = _recorded(mode)
    findings = examine(recording, EFFORT)
    tally["examples"] += findings.image_count
    for breach in mode.broken(findings):
        image, broken = findings.examples[breach][0]
        pytest.fail(story(recording, image, [broken], command="as below"), pytrace=False)


def _recorded(mode: Mode) -> Recording:
    with scratch_folder() as folder:
        return asyncio.run(record(mode, folder, SMALL))


@pytest.mark.parametrize("fsync_fails", [False, True], ids=["sound", "a sync fails"])
def test_what_was_acknowledged_is_in_every_image(
    make_subject: SubjectFactory, request: pytest.FixtureRequest, fsync_fails: bool
) -> None:
    """On a sound disk, and on one whose sync fails at COMMIT: there the answer is *unknown*."""
    tally = request.node.stash.setdefault(RECORDER.tally_key, Counter())
    _judge(Mode.promising_durability(make_subject, fsync_fails=fsync_fails), tally)


_COPY = """
import shutil, sys
for end in ("", "-wal"):
    shutil.copy(sys.argv[1] + end, sys.argv[2] + end)
"""


def _copied(path: str, image: str) -> None:
    subprocess.run([sys.executable, "-S", "-c", _COPY, path, image], check=True)


class _NextSync:
    """Fails one sync of the log, which has been done all the same."""

    is_armed = False

    def __call__(self, operation: Operation) -> Decision:
        if not self.is_armed or (operation.kind, operation.role) != (Kind.SYNC, Role.WAL):
            return None
        self.is_armed = False
        return Fail(IOERR_FSYNC, done=True)


def test_a_commit_that_came_before_settles_no_doubt(make_subject: SubjectFactory) -> None:
    """One has committed and is not through yet; another one's sync fails; then the first one ends.

    Its end is later than the doubt, and its commit is earlier: it has written over nothing. Judged
    on a copy of the file and its log, made by a process of its own: closing a file here would drop
    the locks that SQLite holds.
    """
    if not {Offer.OUTCOMES, Offer.CALLBACKS} <= make_subject().offers:
        return
    next_sync = _NextSync()

    async def use(path: str, image: str) -> tuple[list[AnswerKind], bool | None]:
        subject = make_subject()
        await subject.make(path)
        told: list[AnswerKind] = []

        async def another_fails() -> None:
            next_sync.is_armed = True
            asked = Request(attempt_id="doubtful", file_path="g", event="start_upload")
            another = asyncio.ensure_future(subject.attempt(asked))
            told.append((await another).kind)

        try:
            await subject.seed("f")
            await subject.seed("g")
            first = Request(
                attempt_id="first",
                file_path="f",
                event="start_upload",
                disturbances=((Place.AFTER_COMMIT, another_fails),),
            )
            told.append((await subject.attempt(first)).kind)
            found = await subject.outcome_of("doubtful")
            await asyncio.to_thread(_copied, path, image)
            return told, found
        finally:
            await subject.close()

    with scratch_folder() as folder:
        image = f"{folder}/image.db"
        with Shim(folder, plan=next_sync, kinds=frozenset({Kind.SYNC})):
            told, found = asyncio.run(use(f"{folder}/files.db", image))
        with closing(sqlite3.connect(image, isolation_level=None)) as db:
            came_back = snapshot(db, make_subject().layout).entry_of("doubtful") is not None
    assert [AnswerKind.UNKNOWN, AnswerKind.SUCCESS] == told
    assert found in (None, came_back), f"told {found}, and after a power loss it is {came_back}"
    assert came_back, "the image does not hold what was synced"
