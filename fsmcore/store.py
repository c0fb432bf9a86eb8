"""The database as the only source of truth: rows read, rows moved by compare-and-set.

A write is one ``BEGIN IMMEDIATE`` transaction: the versioned UPDATE, and the journal row that
says which attempt moved it. Both or neither.
"""

from __future__ import annotations

import asyncio
import enum
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from fsmcore import schema as sql
from fsmcore.attempt import Attempt, constraint_refused
from fsmcore.connections import (
    CommitFailedError,
    CommitFate,
    ConnectionModel,
    Receipt,
    Row,
    RowCountError,
    Session,
    Synchronous,
    Write,
    model_of,
)
from fsmcore.errors import (
    AttemptReusedError,
    DefinitionError,
    FileAlreadyTrackedError,
    SchemaMismatchError,
    StoreUnavailableError,
)
from fsmcore.retry import RetryPolicy
from fsmcore.rows import FileRow as FileRow  # its name is used from here too
from fsmcore.rows import JournalEntry, checked_key, journal_entry, read_row
from fsmcore.schema import Schema
from fsmcore.sqlite import ConstraintError
from fsmcore.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Fate(enum.Enum):
    """What became of an attempt, as far as the database can tell."""

    COMMITTED = "committed"
    NOT_COMMITTED = "not committed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOutcome:
    """The answer of ``outcome_of``; ``entry`` is there when the fate is COMMITTED."""

    fate: Fate
    entry: JournalEntry | None = None


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class Store:
    """A V9 database (or one of your own schema) behind compare-and-set.

    Use ``async with Store(path) as store``. Belongs to the event loop it was opened in. Any
    number of stores, in any number of processes, may be open on one file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = False,
        connections: ConnectionModel | str = "per-transition",
        schema: Schema | None = None,
        retry: RetryPolicy | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Touch no file yet. ``create`` makes the database when it is missing or empty.

        ``connections`` is a connection model of this store's own, or the name of one in ``MODELS``.
        Raises ``DefinitionError`` for what is neither, and for ``:memory:``.
        """
        self._path = os.fsdecode(path)
        self._create = create
        if self._path == ":memory:":
            raise DefinitionError(
                "':memory:' is no file: each connection would have a database of its own. Give a "
                "path, in a temporary folder perhaps."
            )
        self._connections = model_of(connections)
        self._schema = schema if schema is not None else Schema()
        self.retry = retry if retry is not None else RetryPolicy()
        self._now = now
        self._in_flight: dict[str, Attempt] = {}
        self._in_doubt: set[str] = set()
        self._calling: dict[asyncio.Task[Any] | None, Attempt] = {}

    @property
    def name(self) -> str:
        """The file's name, without its folder: what messages show."""
        return shown(os.path.basename(self._path))

    async def open(self) -> None:
        """Open, create if asked to, and check the layout. Leaves nothing open when it raises."""

        async def once(_tries: int) -> None:
            await self._connections.open(self._path, create=self._create, prepare=self._prepare)

        await self.retry.run(once)

    async def _prepare(self, session: Session) -> None:
        if self._create:
            await self._create_tables(session)
        await self._require_layout(session)

    async def _create_tables(self, session: Session) -> None:
        ((user_version, object_count),) = await session.fetch(sql.SELECT_LAYOUT)
        if user_version or object_count:
            return
        statements = [Write(sql=text, row_count=-1) for text in self._schema.create_statements()]
        try:
            await session.commit(statements, Receipt())
        except SchemaMismatchError:
            ((_, object_count),) = await session.fetch(sql.SELECT_LAYOUT)
            if not object_count:
                raise
            # else another process has made them meanwhile
        except CommitFailedError as error:
            raise StoreUnavailableError(
                f"{self.name}: the COMMIT that creates it failed ({error.cause}), so it may exist "
                "or not. Open it again."
            ) from error

    async def _require_layout(self, session: Session) -> None:
        ((user_version, _),) = await session.fetch(sql.SELECT_LAYOUT)
        found = {
            table: await session.fetch(sql.SELECT_COLUMNS, (table,))
            for table in self._schema.tables
        }
        problem = self._schema.problem(user_version, found)
        if problem is not None:
            raise SchemaMismatchError(f"{self.name}: {problem}")

    async def close(self) -> None:
        """Close every connection. May be repeated."""
        await self._connections.close()

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def track(self, file_path: str, state: str) -> FileRow:
        """Add a row in ``state`` at version 0; raises ``FileAlreadyTrackedError``."""
        checked_key(file_path)
        happened_at = self._now().isoformat()
        insert = Write(
            sql=self._schema.sql(sql.INSERT_FILE), parameters=(file_path, state, happened_at)
        )

        async def once(_tries: int) -> None:
            async with self._connections.session() as session:
                try:
                    await session.commit([insert], Receipt())
                except ConstraintError as error:
                    if await session.fetch(self._schema.sql(sql.SELECT_FILE), (file_path,)):
                        raise FileAlreadyTrackedError(file_path) from None
                    raise constraint_refused(file_path, 0, error) from error
                except RowCountError as error:
                    raise SchemaMismatchError(
                        f"{shown(file_path)}: the table did not take its row; look for a trigger "
                        "that ignores it. Nothing was written."
                    ) from error

        await self.retry.run(once)
        return FileRow(file_path=file_path, state=state, version=0, updated_at=happened_at)

    async def read(self, file_path: str) -> FileRow:
        """Return the row now; raises ``FileNotTrackedError``."""

        async def once(_tries: int) -> FileRow:
            async with self._connections.session() as session:
                return await read_row(session, self._schema, file_path)

        return await self.retry.run(once)

    def announced(self, attempt_id: str) -> _Announced:
        """Begin an attempt of one or more tries; until it ends, ``outcome_of`` waits for it.

        Raises ``AttemptReusedError`` while another attempt of this id is under way here.
        """
        return _Announced(self, attempt_id)

    def attempt(self, attempt_id: str) -> _Tried:
        """Lend one connection for an attempt of one try; see ``announced``."""
        return _Tried(self, attempt_id)

    def _begin(self, attempt_id: str) -> Attempt:
        checked_key(attempt_id, what="attempt id")
        if attempt_id in self._in_flight:
            raise AttemptReusedError(attempt_id)
        attempt = self._in_flight[attempt_id] = Attempt(
            attempt_id,
            connections=self._connections,
            schema=self._schema,
            now=self._now,
            calling=self._calling,
        )
        return attempt

    def _end(self, attempt: Attempt, earlier_doubts: frozenset[str]) -> None:
        self._note_fate(attempt, earlier_doubts)
        del self._in_flight[attempt.attempt_id]
        attempt.end()

    def _note_fate(self, attempt: Attempt, earlier_doubts: frozenset[str]) -> None:
        # After a failed fsync the frames may be in the WAL although SQLite undid them in memory;
        # the next synced commit writes over them. Until then "not in the journal" proves nothing.
        # A commit settles only the doubts that are older than its whole attempt: of two attempts
        # that overlap, the one that ends last need not be the one that committed last.
        if attempt.fate is CommitFate.SENT:
            self._in_doubt.add(attempt.attempt_id)
        elif attempt.fate is CommitFate.COMMITTED:
            if self._connections.synchronous is not Synchronous.NORMAL:
                self._in_doubt -= earlier_doubts

    def attempt_calling(self) -> Attempt | None:
        """Return the attempt whose callback runs in this task, if any."""
        return self._calling.get(asyncio.current_task())

    async def outcome_of(self, attempt_id: str) -> AttemptOutcome:
        """Say what became of an attempt; waits while it is under way in this store.

        Reads under ``BEGIN IMMEDIATE``, so that a COMMIT still on its way in another process is
        waited out; an attempt that has yet to begin there is not seen. UNKNOWN only when this
        store sent its COMMIT, got no good answer, and has made no later synced commit. A journal
        knows no attempt that is older than itself: what was acknowledged before ``adopt --undo``
        dropped one is NOT_COMMITTED for the next.
        """
        checked_key(attempt_id, what="attempt id")
        if self._schema.journal_table is None:
            raise DefinitionError("the journal is switched off, so no outcome can be looked up.")
        inside = self.attempt_calling()
        if inside is not None and inside.attempt_id == attempt_id:
            raise DefinitionError(
                f"a callback of attempt {shown(attempt_id)!r} asks for the outcome of that "
                "attempt, and would wait for itself. Ask afterwards."
            )
        while (attempt := self._in_flight.get(attempt_id)) is not None:
            await attempt.wait()
        select = self._schema.sql(sql.SELECT_ATTEMPT)
        in_doubt = attempt_id in self._in_doubt

        async def once(_tries: int) -> list[Row]:
            async with self._connections.session() as session:
                return await session.fetch_exclusively(select, (attempt_id,))

        rows = await self.retry.run(once)
        if rows:
            self._in_doubt.discard(attempt_id)
            return AttemptOutcome(fate=Fate.COMMITTED, entry=journal_entry(rows[0]))
        return AttemptOutcome(fate=Fate.UNKNOWN if in_doubt else Fate.NOT_COMMITTED)

    async def journal(self) -> list[JournalEntry]:
        """Return every committed transition, by file and version."""
        if self._schema.journal_table is None:
            raise DefinitionError("the journal is switched off, so there is none to read.")
        select = self._schema.sql(sql.SELECT_JOURNAL)

        async def once(_tries: int) -> list[Row]:
            async with self._connections.session() as session:
                return await session.fetch(select)

        return [journal_entry(row) for row in await self.retry.run(once)]


class _Announced:
    """An attempt under way, for a block. Classes, because generators would cost twice as much."""

    __slots__ = ("_attempt", "_attempt_id", "_earlier_doubts", "_store")

    def __init__(self, store: Store, attempt_id: str) -> None:
        self._store = store
        self._attempt_id = attempt_id

    def __enter__(self) -> Attempt:
        self._earlier_doubts = frozenset(self._store._in_doubt)
        self._attempt = self._store._begin(self._attempt_id)
        return self._attempt

    def __exit__(self, *_: object) -> None:
        self._store._end(self._attempt, self._earlier_doubts)


class _Tried(_Announced):
    """The same with a connection, for an attempt of one try."""

    __slots__ = ("_connected",)

    async def __aenter__(self) -> Attempt:
        attempt = self.__enter__()
        try:
            self._connected = attempt.connected()
            await self._connected.__aenter__()
        except BaseException:
            self.__exit__()
            raise
        return attempt

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._connected.__aexit__(kind, error, trace)
        finally:
            self.__exit__()
