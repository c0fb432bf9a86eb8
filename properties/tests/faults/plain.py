"""A state machine on aiosqlite alone, with one connection that it keeps; and bugs in it.

It shares nothing with fsmcore but the schema, so it also shows that any subject can be struck.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

import aiosqlite

from fsmcore import Schema
from properties.specs.test_the_event_log_tells_the_truth import FIELDS
from properties.subjects import (
    EVERYTHING,
    FILES,
    TRIES,
    V9,
    Answer,
    AnswerKind,
    Offer,
    Place,
    Request,
    Row,
)
from properties.subjects.protocol import LogRecord

T = TypeVar("T")

_MOVE = """
UPDATE files SET gemini_state = ?, version = version + 1 WHERE file_path = ? AND version = ?
"""
_NOTE = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, 'now')"
_READ = "SELECT gemini_state, version FROM files WHERE file_path = ?"


class CommitError(Exception):
    """COMMIT was sent and failed."""


async def to_its_end(work: Awaitable[T]) -> T:
    """Finish, whoever is cancelled meanwhile, and be cancelled then."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError from task.exception()
    return task.result()


class Plain:
    """The untouched one; each bug overrides one thing."""

    name = "plain"
    offers = EVERYTHING - {
        *(Offer.CLOCK, Offer.JITTER, Offer.SCENARIOS, Offer.WORKER),
        *(Offer.NOTES, Offer.TOLD_JOURNAL, Offer.DEFAULTS),
    }
    layout = V9
    lifecycle = FILES
    _db: aiosqlite.Connection

    def __init__(self, *, tries: int = TRIES) -> None:
        """Open nothing yet."""
        self._tries = tries
        self._log: list[LogRecord] = []
        self._turn = asyncio.Lock()
        self._is_open = False

    async def make(self, path: str) -> None:
        """Connect, and create the tables if they are missing."""
        opening = asyncio.ensure_future(self._connected(path))
        try:
            self._db = await to_its_end(opening)
        except asyncio.CancelledError:
            if opening.exception() is None:
                await to_its_end(opening.result().close())
            raise
        self._is_open = True

    async def _connected(self, path: str) -> aiosqlite.Connection:
        db = await aiosqlite.connect(path, isolation_level=None, timeout=0)
        try:
            await self._prepare(db)
        except BaseException:
            await db.rollback()
            await db.close()
            raise
        return db

    async def _prepare(self, db: aiosqlite.Connection) -> None:
        await db.execute_fetchall("PRAGMA journal_mode=WAL")
        await db.execute_fetchall("PRAGMA synchronous=FULL")
        ((count,),) = await db.execute_fetchall("SELECT count(*) FROM sqlite_schema")
        for sql in Schema().create_statements() if not count else ():
            await db.execute_fetchall(sql)

    async def seed(self, file_path: str) -> None:
        """Add a row."""
        sql = "INSERT INTO files (file_path, gemini_state, version, gemini_state_updated_at)"
        await self._db.execute_fetchall(f"{sql} VALUES (?, 'untracked', 0, 'now')", (file_path,))

    async def attempt(self, request: Request) -> Answer:
        """Try, a few times if somebody has the lock."""
        try:
            answer = await self._answered(request)
        except asyncio.CancelledError:
            self._note(request, Answer(kind=AnswerKind.CANCELLED), "unknown")
            raise
        self._note(request, answer, _LOGGED[answer.kind])
        return answer

    async def _answered(self, request: Request) -> Answer:
        tries = 1
        while True:
            try:
                async with self._turn:
                    return await self._tried(request)
            except CommitError as error:
                return self._commit_failed(error)
            except sqlite3.Error as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return Answer(kind=AnswerKind.FAILED, detail=repr(error), error=error)
                if tries == self._tries:
                    return Answer(kind=AnswerKind.BUSY, detail=repr(error), error=error)
            except Exception as error:  # noqa: BLE001 - every error is an answer
                return Answer(kind=AnswerKind.FAILED, detail=repr(error), error=error)
            tries += 1
            await _disturb(request, Place.BACKOFF)

    async def _tried(self, request: Request) -> Answer:
        ((state, version),) = await self._db.execute_fetchall(_READ, (request.file_path,))
        target = FILES.target(state, request.event)
        if target is None:
            return Answer(kind=AnswerKind.NOT_ALLOWED)
        await _disturb(request, Place.GUARD)
        entry = (request.attempt_id, request.file_path, version + 1, request.event, state, target)
        await _disturb(request, Place.BEFORE_COMMIT)
        if not await self._transaction((target, request.file_path, version), entry):
            return Answer(kind=AnswerKind.STALE)
        answer = Answer(
            kind=AnswerKind.SUCCESS, from_state=state, to_state=target, version=version + 1
        )
        try:
            await _disturb(request, Place.AFTER_COMMIT)
        except Exception as error:  # noqa: BLE001 - every error is an answer
            kind = AnswerKind.FAILED_AFTER_COMMIT
            return Answer(
                kind=kind, detail=repr(error), to_state=target, version=version + 1, error=error
            )
        return answer

    async def _transaction(self, move: tuple[Any, ...], entry: tuple[Any, ...]) -> bool:
        try:
            await self._db.execute_fetchall("BEGIN IMMEDIATE")
            moved = await self._written(move, entry)
            await self._commit()
        except BaseException:
            await to_its_end(self._rolled_back())
            raise
        return moved

    async def _written(self, move: tuple[Any, ...], entry: tuple[Any, ...]) -> bool:
        cursor = await self._db.execute(_MOVE, move)
        if cursor.rowcount == 0:
            return False
        await self._db.execute_fetchall(_NOTE, entry)
        return True

    async def _commit(self) -> None:
        try:
            await self._db.execute_fetchall("COMMIT")
        except sqlite3.Error as error:
            raise CommitError(repr(error)) from error

    def _commit_failed(self, error: CommitError) -> Answer:
        return Answer(kind=AnswerKind.UNKNOWN, detail=repr(error), error=error)

    async def _rolled_back(self) -> None:
        for _ in range(2):  # a fault that strikes once may strike the rollback
            with suppress(sqlite3.Error):
                await self._db.rollback()
                return

    async def read(self, file_path: str) -> Row:
        """Return the row."""
        (row,) = await self._db.execute_fetchall(_READ, (file_path,))
        return Row(*row)

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Look into the journal."""
        sql = "SELECT 1 FROM transitions WHERE attempt_id = ?"
        return bool(list(await self._db.execute_fetchall(sql, (attempt_id,))))

    def log(self) -> list[LogRecord]:
        """Return the records."""
        return self._log

    def held_locks(self) -> int:
        """Return 1 while an attempt has its turn."""
        return int(self._turn.locked())

    async def close(self) -> None:
        """Disconnect."""
        if self._is_open:
            self._is_open = False
            await to_its_end(self._db.close())

    def _note(self, request: Request, answer: Answer, outcome: str) -> None:
        self._log.append(
            LogRecord(
                attempt_id=request.attempt_id,
                file_path=request.file_path,
                event=request.event,
                from_state=answer.from_state,
                to_state=answer.to_state,
                outcome=outcome,
                guard_result=None if answer.kind is not AnswerKind.SUCCESS else True,
                error=None if answer.kind is AnswerKind.SUCCESS else answer.kind.value,
                fields=frozenset(FIELDS),
            )
        )


_LOGGED = {
    AnswerKind.NOT_ALLOWED: "not_allowed",
    AnswerKind.STALE: "stale",
    AnswerKind.BUSY: "busy",
    AnswerKind.FAILED: "failed",
    AnswerKind.UNKNOWN: "unknown",
    AnswerKind.SUCCESS: "success",
    AnswerKind.FAILED_AFTER_COMMIT: "success",
}


async def _disturb(request: Request, place: Place) -> None:
    for disturbance in request.at(place):
        await disturbance()


class BeginsOutsideTheTry(Plain):
    """An interrupted BEGIN leaves its transaction open."""

    async def _transaction(self, move: tuple[Any, ...], entry: tuple[Any, ...]) -> bool:
        await self._db.execute_fetchall("BEGIN IMMEDIATE")
        try:
            moved = await self._written(move, entry)
            await self._commit()
        except BaseException:
            await to_its_end(self._rolled_back())
            raise
        return moved


class IsCutOffInItsCleanUp(Plain):
    """Survives a second cancellation at the first wait of its clean-up, and not at the next."""

    async def _transaction(self, move: tuple[Any, ...], entry: tuple[Any, ...]) -> bool:
        try:
            await self._db.execute_fetchall("BEGIN IMMEDIATE")
            moved = await self._written(move, entry)
            await self._commit()
        except BaseException:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            await to_its_end(self._rolled_back())
            raise
        return moved


class BeginsLate(IsCutOffInItsCleanUp):
    """The same on a machine so busy that the call has ended before its BEGIN is executed."""

    async def _transaction(self, move: tuple[Any, ...], entry: tuple[Any, ...]) -> bool:
        loop, is_due = asyncio.get_running_loop(), threading.Event()

        def turn(left: int) -> None:
            if left:
                loop.call_soon(turn, left - 1)
            else:
                is_due.set()

        try:
            await self._db.set_progress_handler(lambda: int(not is_due.wait()), 1)
        finally:
            turn(50)
        return await super()._transaction(move, entry)


class MasksTheCause(Plain):
    """A rollback that finds no transaction raises, and its error is what the caller is told."""

    async def _rolled_back(self) -> None:
        await self._db.execute_fetchall("ROLLBACK")


class RetriesAnUnknownCommit(Plain):
    """Tries again after a COMMIT that failed."""

    async def _commit(self) -> None:
        try:
            await super()._commit()
        except CommitError as error:
            again = sqlite3.OperationalError(str(error))
            again.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise again from error


class TellsAFailedCommitAsAFailure(Plain):
    """COMMIT raised, so nothing was written, it thinks."""

    def _commit_failed(self, error: CommitError) -> Answer:
        return Answer(kind=AnswerKind.FAILED, detail=repr(error), error=error)


class LeavesAConnectionWhenAPragmaFails(Plain):
    """Connects, and forgets the connection when it cannot be prepared."""

    left: ClassVar[list[aiosqlite.Connection]] = []
    """What must be closed at last: its thread would keep the process from ending."""

    async def _connected(self, path: str) -> aiosqlite.Connection:
        db = await aiosqlite.connect(path, isolation_level=None, timeout=0)
        self.left.append(db)
        await self._prepare(db)
        return db
