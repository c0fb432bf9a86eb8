"""The database as the only source of truth: rows read, rows moved by compare-and-set.

A write is one ``BEGIN IMMEDIATE`` transaction: the versioned UPDATE, and the journal row that
says which attempt moved it. Both or neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from fsmcore import schema as sql
from fsmcore.connections import (
    CommitFailedError,
    CommitFate,
    ConnectionModel,
    ConstraintError,
    PerTransition,
    Receipt,
    Row,
    RowCountError,
    Session,
    Synchronous,
    Write,
)
from fsmcore.errors import (
    AttemptReusedError,
    DefinitionError,
    FileAlreadyTrackedError,
    FileNotTrackedError,
    InvalidKeyError,
    OutcomeUnknownError,
    SchemaMismatchError,
    StaleTransitionError,
)
from fsmcore.retry import RetryPolicy
from fsmcore.schema import Schema
from fsmcore.text import is_storable, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    from fsmcore.lifecycle import Edge


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One row, as read. ``version`` counts committed transitions; times are ISO 8601, UTC."""

    file_path: str
    state: str
    version: int
    updated_at: str | None = None
    last_error: str | None = None
    failure_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One committed transition: this attempt took ``file_path`` to ``version``."""

    attempt_id: str
    file_path: str
    version: int
    event: str
    from_state: str
    to_state: str
    happened_at: str


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
        connections: ConnectionModel | None = None,
        schema: Schema | None = None,
        retry: RetryPolicy | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Touch no file yet. ``create`` makes the database when it is missing or empty."""
        self._path = os.fsdecode(path)
        self._create = create
        self._connections = connections if connections is not None else PerTransition()
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

    async def _require_layout(self, session: Session) -> None:
        ((user_version, _),) = await session.fetch(sql.SELECT_LAYOUT)
        found = {
            table: [name for (name,) in await session.fetch(sql.SELECT_COLUMNS, (table,))]
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
                    raise _refused(file_path, 0, error) from error

        await self.retry.run(once)
        return FileRow(file_path=file_path, state=state, version=0, updated_at=happened_at)

    async def read(self, file_path: str) -> FileRow:
        """Return the row now; raises ``FileNotTrackedError``."""

        async def once(_tries: int) -> FileRow:
            async with self._connections.session() as session:
                return await _read(session, self._schema, file_path)

        return await self.retry.run(once)

    @contextlib.contextmanager
    def announced(self, attempt_id: str) -> Iterator[Attempt]:
        """Begin an attempt of one or more tries; until it ends, ``outcome_of`` waits for it.

        Raises ``AttemptReusedError`` while another attempt of this id is under way here.
        """
        checked_key(attempt_id, what="attempt id")
        if attempt_id in self._in_flight:
            raise AttemptReusedError(attempt_id)
        earlier_doubts = frozenset(self._in_doubt)
        attempt = Attempt(attempt_id, self)
        self._in_flight[attempt_id] = attempt
        try:
            yield attempt
        finally:
            self._note_fate(attempt, earlier_doubts)
            del self._in_flight[attempt_id]
            attempt.ended.set()

    @contextlib.asynccontextmanager
    async def attempt(self, attempt_id: str) -> AsyncIterator[Attempt]:
        """Lend one connection for an attempt of one try; see ``announced``."""
        with self.announced(attempt_id) as attempt:
            async with attempt.connected():
                yield attempt

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
        store sent its COMMIT, got no good answer, and has made no later synced commit.
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
            await attempt.ended.wait()
        select = self._schema.sql(sql.SELECT_ATTEMPT)
        in_doubt = attempt_id in self._in_doubt

        async def once(_tries: int) -> list[Row]:
            async with self._connections.session() as session:
                return await session.fetch_exclusively(select, (attempt_id,))

        rows = await self.retry.run(once)
        if rows:
            return AttemptOutcome(fate=Fate.COMMITTED, entry=_entry(rows[0]))
        return AttemptOutcome(fate=Fate.UNKNOWN if in_doubt else Fate.NOT_COMMITTED)

    async def journal(self) -> list[JournalEntry]:
        """Return every committed transition, by file and version."""
        if self._schema.journal_table is None:
            raise DefinitionError("the journal is switched off, so there is none to read.")
        select = self._schema.sql(sql.SELECT_JOURNAL)

        async def once(_tries: int) -> list[Row]:
            async with self._connections.session() as session:
                return await session.fetch(select)

        return [_entry(row) for row in await self.retry.run(once)]


class Attempt:
    """One attempt's reads and its one write. Made by ``Store.announced`` and ``Store.attempt``."""

    def __init__(self, attempt_id: str, store: Store) -> None:
        """Read and write nothing yet."""
        self.attempt_id = attempt_id
        self.file_path: str | None = None
        self.ended = asyncio.Event()
        self._store = store
        self._schema = store._schema
        self._receipt = Receipt()
        self._lent: Session | None = None

    @property
    def fate(self) -> CommitFate:
        """How far the transaction got; true after any exception too."""
        return self._receipt.fate

    @property
    def _session(self) -> Session:
        if self._lent is None:
            raise DefinitionError("an attempt reads and writes inside 'async with connected()'.")
        return self._lent

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Hold a connection for one try."""
        async with self._store._connections.session() as session:
            self._lent = session
            try:
                yield
            finally:
                self._lent = None

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Mark that this task runs a callback of this attempt inside the block."""
        calling, task = self._store._calling, asyncio.current_task()
        outer = calling.get(task)
        calling[task] = self
        try:
            yield
        finally:
            del calling[task]
            if outer is not None:
                calling[task] = outer

    async def read(self, file_path: str) -> FileRow:
        """Return the row now; raises ``FileNotTrackedError``."""
        self.file_path = file_path
        return await _read(self._session, self._schema, file_path)

    async def compare_and_set(
        self,
        row: FileRow,
        edge: Edge,
        *,
        last_error: str | None = None,
        failure_info: str | None = None,
    ) -> FileRow:
        """Move ``row`` along ``edge`` if it is still what was read; return the new row.

        Raises ``StaleTransitionError``, ``StoreBusyError`` and ``AttemptReusedError`` with
        nothing written, ``OutcomeUnknownError`` when COMMIT failed. Safe to cancel before COMMIT
        is sent, unknown after; ``fate`` tells which.
        """
        if self.fate is not CommitFate.NOT_SENT:
            raise AttemptReusedError(self.attempt_id)
        happened_at = self._store._now().isoformat()
        try:
            await self._session.commit(
                self._writes(row, edge, happened_at, last_error, failure_info), self._receipt
            )
        except RowCountError as error:
            if error.row_count > 1:
                raise SchemaMismatchError(
                    f"{shown(row.file_path)}: {error.row_count} rows share this key; "
                    "make the key column unique. Nothing was written."
                ) from error
            if error.write_index > 0:
                raise SchemaMismatchError(
                    f"{shown(row.file_path)}: the journal did not take its row; look for a trigger "
                    "that ignores it. Nothing was written."
                ) from error
            raise await self._stale(row) from error
        except ConstraintError as error:
            if await self._is_journalled():
                raise AttemptReusedError(self.attempt_id) from error
            raise _refused(row.file_path, row.version + 1, error) from error
        except CommitFailedError as error:
            raise OutcomeUnknownError(
                self.attempt_id,
                row.file_path,
                error.cause,
                has_journal=self._schema.journal_table is not None,
            ) from error
        return FileRow(
            file_path=row.file_path,
            state=edge.target,
            version=row.version + 1,
            updated_at=happened_at,
            last_error=row.last_error if last_error is None else last_error,
            failure_info=row.failure_info if failure_info is None else failure_info,
        )

    def _writes(
        self,
        row: FileRow,
        edge: Edge,
        happened_at: str,
        last_error: str | None,
        failure_info: str | None,
    ) -> list[Write]:
        schema = self._schema
        move = (edge.target, happened_at, last_error, failure_info)
        where = (row.file_path, row.state, row.version)
        writes = [Write(sql=schema.sql(sql.COMPARE_AND_SET), parameters=(*move, *where))]
        if schema.journal_table is not None:
            entry = (self.attempt_id, row.file_path, row.version + 1, edge.event)
            states = (edge.source, edge.target, happened_at)
            writes.append(Write(sql=schema.sql(sql.INSERT_JOURNAL), parameters=(*entry, *states)))
        return writes

    async def _stale(self, row: FileRow) -> StaleTransitionError:
        try:
            found: FileRow | None = await self.read(row.file_path)
        except FileNotTrackedError:
            found = None
        return StaleTransitionError(
            row.file_path,
            expected_state=row.state,
            expected_version=row.version,
            found_state=found.state if found else None,
            found_version=found.version if found else None,
        )

    async def _is_journalled(self) -> bool:
        if self._schema.journal_table is None:
            return False
        select = self._schema.sql(sql.SELECT_ATTEMPT)
        return bool(await self._session.fetch(select, (self.attempt_id,)))


def _refused(file_path: str, version: int, cause: ConstraintError) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"{shown(file_path)}: a constraint refused version {version} ({cause}). Nothing was "
        "written; 'python -m fsmcore.check FILE' says whether the row was moved back behind the "
        "journal."
    )


async def _read(session: Session, schema: Schema, file_path: str) -> FileRow:
    checked_key(file_path)
    rows = await session.fetch(schema.sql(sql.SELECT_FILE), (file_path,))
    if not rows:
        raise FileNotTrackedError(file_path)
    state, version, updated_at, last_error, failure_info = rows[0]
    if not isinstance(version, int) or version < 0:
        raise SchemaMismatchError(
            f"{shown(file_path)}: version is {version!r}; a whole number from 0 on is needed."
        )
    return FileRow(
        file_path=file_path,
        state=state,
        version=version,
        updated_at=updated_at,
        last_error=last_error,
        failure_info=failure_info,
    )


def _entry(row: tuple[object, ...]) -> JournalEntry:
    return JournalEntry(**dict(zip(sql.JOURNAL_COLUMNS, row, strict=True)))  # type: ignore[arg-type]


def checked_key(key: str, *, what: str = "key") -> str:
    """Return ``key`` if it is non-empty text; raises ``InvalidKeyError``."""
    if not checked_text(key, what=what):
        raise InvalidKeyError(f"{what} is empty; give at least one character.")
    return key


def checked_text(text: str, *, what: str) -> str:
    """Return ``text`` if SQLite can hold it exactly; raises ``InvalidKeyError``."""
    if not isinstance(text, str):
        raise InvalidKeyError(f"{what} is of type {type(text).__name__}; give text.")
    if not is_storable(text):
        raise InvalidKeyError(
            f"{what} {shown(ascii(text))} holds a lone surrogate, which no database text can. "
            "Decode it, say with errors='backslashreplace'."
        )
    return text
