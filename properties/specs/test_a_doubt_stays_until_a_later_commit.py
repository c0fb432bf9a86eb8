"""A doubt stays until a later commit: nobody who may yet be committed is told that it is not.

When a sync fails at COMMIT, what was written may stand in the log although SQLite has taken it back
in memory: after a power loss it is there. So the answer is *unknown*, and stays so until a commit
that began later has written over it; then there is a definite one, which is what the file says. A
look into the journal that takes an absence for a no, a commit from before the doubt that settles
it, a doubt that nothing settles breaks it. Judged on a copy of the file and its log, made by a
process of its own: closing a file here would drop the locks that SQLite holds.
"""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from properties.faults.operations import Decision, Fail, Kind, Operation, Role
from properties.faults.vfs import IOERR_FSYNC, Shim
from properties.history import snapshot
from properties.scratch import scratch_folder
from properties.subjects import (
    AnswerKind,
    Disturbance,
    Offer,
    Place,
    Request,
    Subject,
    SubjectFactory,
)

NEEDS = frozenset({Offer.OUTCOMES, Offer.JOURNAL, Offer.WAL})

ENOUGH_READS = 100
"""An attempt of a few milliseconds that is not through after so many reads waits for somebody."""
_COPY = """
import shutil, sys
for end in ("", "-wal"):
    shutil.copy(sys.argv[1] + end, sys.argv[2] + end)
"""


class _NextSync:
    """Fails one sync of the log, which has been done all the same."""

    is_armed = False

    def __call__(self, operation: Operation) -> Decision:
        if not self.is_armed or (operation.kind, operation.role) != (Kind.SYNC, Role.WAL):
            return None
        self.is_armed = False
        return Fail(IOERR_FSYNC, done=True)


class _Scene:
    """One store, an attempt whose sync fails, and what the power may leave of it."""

    def __init__(self, make_subject: SubjectFactory, folder: str) -> None:
        self.subject: Subject = make_subject()
        ((self.event, _),) = self.subject.lifecycle.road(1)
        self.next_sync = _NextSync()
        self._path = f"{folder}/files.db"
        self._image = f"{folder}/image.db"

    async def made(self) -> None:
        """Open it, with two files."""
        await self.subject.make(self._path)
        for name in ("f", "g"):
            await self.subject.seed(name)

    async def fails(self) -> None:
        """Let the attempt *doubtful* on g meet a sync that fails."""
        self.next_sync.is_armed = True
        asked = Request(attempt_id="doubtful", file_path="g", event=self.event)
        attempt = asyncio.ensure_future(self.subject.attempt(asked))
        for _ in range(ENOUGH_READS):
            if not attempt.done():
                await self.subject.read("f")
        if not attempt.done():
            attempt.cancel()
            raise AssertionError("an attempt on g does not end before one on f has")
        told = attempt.result().kind
        assert AnswerKind.UNKNOWN is told, f"told {told.value} by a COMMIT whose sync has failed"

    async def moves_f(self, *disturbances: tuple[Place, Disturbance]) -> None:
        """Let another attempt commit, on f."""
        asked = Request(
            attempt_id="another",
            file_path="f",
            event=self.event,
            disturbances=disturbances,
        )
        assert AnswerKind.SUCCESS is (await self.subject.attempt(asked)).kind

    async def told_and_true(self) -> tuple[bool | None, bool]:
        """Return what is told of the attempt, and what is so if the power fails now."""
        told = await self.subject.outcome_of("doubtful")
        copied = [sys.executable, "-S", "-c", _COPY, self._path, self._image]
        await asyncio.to_thread(subprocess.run, copied, check=True)
        with closing(sqlite3.connect(self._image, isolation_level=None)) as db:
            shot = snapshot(db, self.subject.layout)
        return told, shot.entry_of("doubtful") is not None


def _played(
    make_subject: SubjectFactory, play: Callable[[_Scene], Awaitable[None]]
) -> tuple[bool | None, bool]:
    with scratch_folder() as folder:
        scene = _Scene(make_subject, folder)

        async def use() -> tuple[bool | None, bool]:
            await scene.made()
            try:
                await play(scene)
                return await scene.told_and_true()
            finally:
                await scene.subject.close()

        with Shim(folder, plan=scene.next_sync, kinds=frozenset({Kind.SYNC})):
            return asyncio.run(use())


def _must_not_be_denied(told: bool | None, came_back: bool) -> None:
    assert came_back, "the image does not hold what was synced"
    assert told is not False, "told that it is not committed, and after a power loss it is"


def test_asked_at_once(make_subject: SubjectFactory) -> None:
    """Nobody has committed since."""
    _must_not_be_denied(*_played(make_subject, _Scene.fails))


@pytest.mark.needs(Offer.CALLBACKS)
def test_a_commit_that_came_before_settles_nothing(make_subject: SubjectFactory) -> None:
    """One has committed and is not through yet; another one's sync fails; then the first one ends.

    Its end is later than the doubt, and its commit is earlier: it has written over nothing.
    """

    async def play(scene: _Scene) -> None:
        await scene.moves_f((Place.AFTER_COMMIT, scene.fails))

    _must_not_be_denied(*_played(make_subject, play))


def test_a_later_commit_settles_it(make_subject: SubjectFactory) -> None:
    """It writes where the doubtful one had written."""

    async def play(scene: _Scene) -> None:
        await scene.fails()
        await scene.moves_f()

    told, is_there = _played(make_subject, play)
    assert told is is_there, f"told {told} after a later commit, and it is {is_there}"
