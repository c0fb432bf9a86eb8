"""One attempt: its reads, its one write, and how far that got."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from fsmcore import schema as sql
from fsmcore.connections import (
    CommitFailedError,
    CommitFate,
    Receipt,
    RowCountError,
    Session,
    Write,
)
from fsmcore.errors import (
    AttemptReusedError,
    DefinitionError,
    FileNotTrackedError,
    OutcomeUnknownError,
    SchemaMismatchError,
    StaleTransitionError,
)
from fsmcore.rows import FileRow, read_row
from fsmcore.sqlite import ConstraintError
from fsmcore.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from types import TracebackType

    from fsmcore.connections import ConnectionModel
    from fsmcore.lifecycle import Edge
    from fsmcore.schema import Schema


class Attempt:
    """One attempt's reads and its one write. Made by ``Store.announced`` and ``Store.attempt``."""

    __slots__ = (
        *("attempt_id", "file_path", "_calling", "_connections", "_ended"),
        *("_lent", "_now", "_receipt", "_schema"),
    )

    def __init__(
        self,
        attempt_id: str,
        *,
        connections: ConnectionModel,
        schema: Schema,
        now: Callable[[], datetime],
        calling: dict[asyncio.Task[Any] | None, Attempt],
    ) -> None:
        """Read and write nothing yet. ``calling`` tells the store which task runs a callback."""
        self.attempt_id = attempt_id
        self.file_path: str | None = None
        self._ended: asyncio.Event | None = None
        self._connections = connections
        self._schema = schema
        self._now = now
        self._calling = calling
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

    def connected(self) -> _Connected:
        """Hold a connection for one try."""
        return _Connected(self)

    async def wait(self) -> None:
        """Wait for the end of an attempt that is under way."""
        if self._ended is None:
            self._ended = asyncio.Event()  # hardly anybody asks, so each attempt goes without
        await self._ended.wait()

    def end(self) -> None:
        """Say that its fate is settled, as far as it will be."""
        if self._ended is not None:
            self._ended.set()

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Mark that this task runs a callback of this attempt inside the block."""
        calling, task = self._calling, asyncio.current_task()
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
        return await read_row(self._session, self._schema, file_path)

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
        happened_at = self._now().isoformat()
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
            raise constraint_refused(row.file_path, row.version + 1, error) from error
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


def constraint_refused(file_path: str, version: int, cause: ConstraintError) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"{shown(file_path)}: a constraint refused version {version} ({cause}). Nothing was "
        "written; 'python -m fsmcore.check FILE' says whether the row was moved back behind the "
        "journal."
    )


class _Connected:
    """A connection for one try. A class, because a generator would cost twice as much."""

    __slots__ = ("_attempt", "_lending")

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._lending = attempt._connections.session()

    async def __aenter__(self) -> None:
        self._attempt._lent = await self._lending.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._attempt._lent = None
        await self._lending.__aexit__(kind, error, trace)
