"""An unknown outcome says unknown: an error at COMMIT is never told as "nothing was written".

SQLite itself fails the COMMIT: it is denied (nothing is committed), or interrupted at each of its
steps, the last of which is committed although it raises. Whatever was told, one read after a later
commit says what is true. A caller who is cut off inside its COMMIT is told of its cancellation, and
the log says *unknown*. A COMMIT inside the same error handling as the writes before it, a retry of
it, a mark that is set when it is back, breaks it.
"""

import asyncio
import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest

from properties.history import snapshot
from properties.reach import reached
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.V9, Offer.OUTCOMES})

MOST_STEPS = 60
COMMITS = {(sqlite3.SQLITE_TRANSACTION, "COMMIT"), (sqlite3.SQLITE_SAVEPOINT, "RELEASE")}
"""What an authorizer is told; the RELEASE of an outermost savepoint is a COMMIT too."""
COMMIT_WORDS = ("COMMIT", "END", "RELEASE")


class _Ambush:
    """Makes COMMIT fail on every connection, kept ones too, while ``is_set``.

    ``step`` is the step of SQLite's virtual machine at which it is interrupted; None denies it.
    """

    def __init__(self, step: int | None) -> None:
        self.is_set = False
        self._step = step

    def arm(self, connection: sqlite3.Connection) -> None:
        """Lie in wait on a connection; called in the thread that opened it."""
        if self._step is None:
            connection.set_authorizer(self._denies)
            return
        left = [-1]

        def begins(sql: str) -> None:
            is_commit = sql.upper().startswith(COMMIT_WORDS)
            left[0] = self._step or 0 if self.is_set and is_commit else -1

        def interrupts() -> bool:
            left[0] -= 1
            return left[0] == 0

        connection.set_trace_callback(begins)
        connection.set_progress_handler(interrupts, 1)

    def _denies(self, action: int, what: str | None, *_: object) -> int:
        is_denied = self.is_set and (action, what) in COMMITS
        return sqlite3.SQLITE_DENY if is_denied else sqlite3.SQLITE_OK


async def _fail_a_commit(
    path: str, make_subject: SubjectFactory, step: int | None
) -> tuple[AnswerKind, bool | None]:
    ambush = _Ambush(step)

    def armed(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        ambush.arm(connection)
        return connection

    connect = sqlite3.connect
    subject = make_subject()
    vars(sqlite3)["connect"] = armed
    try:
        await subject.make(path)
        await subject.seed("f")
        await subject.seed("later")
        asked = Request(attempt_id="doubtful", file_path="f", event="start_upload")
        ambush.is_set = True
        told = (await subject.attempt(asked)).kind
        ambush.is_set = False
        settled = Request(attempt_id="settles", file_path="later", event="start_upload")
        assert AnswerKind.SUCCESS is (await subject.attempt(settled)).kind
        return told, await subject.outcome_of("doubtful")
    finally:
        vars(sqlite3)["connect"] = connect
        await subject.close()


def _told_and_true(
    make_subject: SubjectFactory, step: int | None
) -> tuple[AnswerKind, bool | None, bool]:
    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        told, found = asyncio.run(_fail_a_commit(path, make_subject, step))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            is_written = snapshot(db).entry_of("doubtful") is not None
        if told is AnswerKind.UNKNOWN:
            reached(f"by hand: unknown, and {'committed' if is_written else 'not committed'}")
        return told, found, is_written


def test_a_commit_that_is_denied(make_subject: SubjectFactory) -> None:
    """Nothing is committed, and nobody could know.

    A kept connection has compiled its COMMIT long ago, and only compiling asks for leave: where the
    attempt succeeds in spite of it, an interrupt at the first step stands for the denial.
    """
    found = _told_and_true(make_subject, None)
    if found == (AnswerKind.SUCCESS, True, True):
        found = _told_and_true(make_subject, 1)
    assert (AnswerKind.UNKNOWN, False, False) == found


def test_a_commit_that_is_interrupted_at_each_step(make_subject: SubjectFactory) -> None:
    """Until a COMMIT has fewer steps; at least one of them committed and raised all the same."""
    seen = []
    for step in range(1, MOST_STEPS):
        told, found, is_written = _told_and_true(make_subject, step)
        assert found == is_written, f"step {step}: outcome_of says {found}, journal: {is_written}"
        if told is AnswerKind.SUCCESS:
            assert is_written
            break
        assert told is AnswerKind.UNKNOWN, f"step {step}: told {told.value}"
        seen.append(is_written)
    assert True in seen, f"no COMMIT of {len(seen)} interrupted ones was committed"


@pytest.mark.parametrize("fails", [False, True], ids=["done", "interrupted"])
def test_a_caller_who_is_cut_off_inside_its_commit(
    make_subject: SubjectFactory, fails: bool
) -> None:
    """SQLite has begun with COMMIT, which comes to an end or not, and the cancellation is first."""
    connect = sqlite3.connect

    async def use(path: str) -> tuple[bool, set[str], bool | None]:
        loop, loop_thread = asyncio.get_running_loop(), threading.get_ident()
        attempts: list[asyncio.Future[Any]] = []
        was_cut = threading.Event()
        is_interrupted = [False]

        def cut() -> None:
            attempts[0].cancel()
            was_cut.set()

        def begins(sql: str) -> None:
            if attempts and not was_cut.is_set() and sql.upper().startswith(COMMIT_WORDS):
                if threading.get_ident() == loop_thread:
                    cut()
                else:
                    loop.call_soon_threadsafe(cut)
                    was_cut.wait()
                is_interrupted[0] = fails

        def interrupts() -> bool:
            is_due, is_interrupted[0] = is_interrupted[0], False
            return is_due

        def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(begins)
            connection.set_progress_handler(interrupts, 1)
            return connection

        subject = make_subject()
        vars(sqlite3)["connect"] = watched
        try:
            await subject.make(path)
            await subject.seed("f")
            asked = Request(attempt_id="a", file_path="f", event="start_upload")
            attempts.append(asyncio.ensure_future(subject.attempt(asked)))
            await asyncio.wait(attempts)
            logged = {record.outcome for record in subject.log()}
            return was_cut.is_set(), logged, await subject.outcome_of("a")
        finally:
            vars(sqlite3)["connect"] = connect
            await subject.close()

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        was_cut, logged, found = asyncio.run(use(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            is_written = snapshot(db).entry_of("a") is not None
    assert was_cut, "no COMMIT was seen"
    assert found in {is_written, None if fails else is_written}, f"outcome_of says {found}"
    if Offer.LOG in make_subject().offers:
        assert logged <= {"unknown", "success"}, f"the log says {logged}, journal: {is_written}"
