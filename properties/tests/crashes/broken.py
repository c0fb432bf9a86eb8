"""Subjects and disks that break their word in a power loss, each in one realistic way."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import AsyncIterator

from fsmcore import FILE_LIFECYCLE, HandRolledAdapter, PerTransition
from fsmcore.connections import Prepare, Session, Synchronous
from properties.crashes.modes import SwitchedOff
from properties.faults.operations import Decision, Kind, Operation, Pretend, Role
from properties.subjects import V9, Answer, AnswerKind, CoreSubject, Request
from properties.tests.foreign import SCHEMA, ForeignSubject


def untouched() -> CoreSubject:
    """The hand-rolled core: green, or a kill proves nothing."""
    return CoreSubject("untouched", HandRolledAdapter, locked=True)


def commits_with_syncs_off() -> CoreSubject:
    """Claims FULL, and switches the syncs off behind its own back."""
    return CoreSubject("syncs off", HandRolledAdapter, locked=True, connections=SwitchedOff)


class AcknowledgesBeforeCommit(CoreSubject):
    """Answers with what the transition is going to do, and does it while nobody waits."""

    def __init__(self) -> None:
        super().__init__("early", HandRolledAdapter, locked=True)
        self._late: asyncio.Task[Answer] | None = None

    async def attempt(self, request: Request) -> Answer:
        """Read, answer, and leave the commit for later."""
        await self._settle()
        row = await self.read(request.file_path)
        target = FILE_LIFECYCLE.target(row.state, request.event)
        if target is None:
            return await super().attempt(request)
        self._late = asyncio.ensure_future(super().attempt(request))
        return Answer(
            kind=AnswerKind.SUCCESS,
            from_state=row.state,
            to_state=target,
            version=row.version + 1,
        )

    async def close(self) -> None:
        """Do what is left first."""
        await self._settle()
        await super().close()

    async def _settle(self) -> None:
        if self._late is not None:
            await self._late


class SettlesDoubtsByReading(CoreSubject):
    """Takes "not in the journal" for "not committed", right after a failed sync."""

    def __init__(self) -> None:
        super().__init__("settles early", HandRolledAdapter, locked=True)

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Never say unknown."""
        return bool(await super().outcome_of(attempt_id))


class NormalFromTheStart:
    """Creates the database under NORMAL while a rollback journal guards it."""

    def __init__(self, *, fair_writer_lock: bool) -> None:
        self._inner = PerTransition(
            synchronous=Synchronous.NORMAL, fair_writer_lock=fair_writer_lock
        )
        self.synchronous = Synchronous.NORMAL

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Undo the core's care for its first statements."""

        async def careless(session: Session) -> None:
            await session.fetch("PRAGMA synchronous=NORMAL")
            await prepare(session)

        await self._inner.open(path, create=create, prepare=careless)

    async def close(self) -> None:
        """Close."""
        await self._inner.close()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a session."""
        async with self._inner.session() as session:
            yield session


def creates_under_normal() -> CoreSubject:
    """The core as it was before it waited for the disk until the WAL is there."""
    return CoreSubject("normal", HandRolledAdapter, locked=True, connections=NormalFromTheStart)


class ForeignWithSyncsOff(ForeignSubject):
    """Tables of its own, and no sync ever."""

    async def make(self, path: str) -> None:
        """Switch them off after the database is a WAL, before the tables come."""
        self.connect(path)
        self._opened().execute("PRAGMA synchronous=OFF")
        self._opened().executescript(SCHEMA)


class ForeignReadAsV9(ForeignSubject):
    """Tables of its own, and a layout that names others."""

    layout = dataclasses.replace(ForeignSubject.layout, rows=V9.rows, journal=V9.journal)


def misnames_something() -> CoreSubject:
    """A slip of the harness, not of the subject."""
    raise NameError("a slip of the harness")


def without_sync_of(role: Role, operation: Operation) -> Decision:
    """Swallow the syncs of one role. Of a folder that cannot be opened SQLite says nothing."""
    if operation.kind is not Kind.SYNC or operation.role is not role:
        return None
    return sqlite3.SQLITE_CANTOPEN if role is Role.FOLDER else Pretend()
