"""What all models share: opening and closing once, and lending a session to each attempt."""

from __future__ import annotations

import abc
import contextlib
from typing import TYPE_CHECKING, TypeVar

from fsmcore.cancellation import finish
from fsmcore.connections.file import StoreFile
from fsmcore.connections.work import ExclusiveReading, Reading, Transaction
from fsmcore.native import Synchronous

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from types import TracebackType

    from fsmcore.connections.model import Prepare, Receipt, Row, Session, Write
    from fsmcore.connections.work import Work

T = TypeVar("T")


class WorkSession(abc.ABC):
    """A session that is asked for pieces of work, and says where each is done."""

    file: StoreFile

    @abc.abstractmethod
    def read(self, work: Reading) -> Awaitable[list[Row]]:
        """Run a read."""

    @abc.abstractmethod
    def write(self, work: Work[T]) -> Awaitable[T]:
        """Run what takes the write lock."""

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[list[Row]]:
        """See ``Session.fetch``."""
        return self.read(Reading(self.file.name, sql, parameters))

    def fetch_exclusively(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> Awaitable[list[Row]]:
        """See ``Session.fetch_exclusively``."""
        return self.write(ExclusiveReading(self.file.name, sql, parameters))

    def commit(self, writes: Sequence[Write], receipt: Receipt) -> Awaitable[None]:
        """See ``Session.commit``; after a cancellation ``receipt`` says COMMITTED or not."""
        return self.write(Transaction(self.file.name, writes, receipt))


class Lent(WorkSession):
    """What one opened model has open, and a session to anybody: it keeps nothing between calls.

    ``lent_count`` sessions are out; what is dismissed ends when the last one comes back.
    """

    def __init__(self, file: StoreFile) -> None:
        """Lend to nobody yet."""
        self.file = file
        self.lent_count = 0
        self.is_dismissed = False

    @abc.abstractmethod
    async def open(self, prepare: Prepare) -> None:
        """Open what stays open; ``end`` is called when it raises."""

    @abc.abstractmethod
    async def end(self) -> None:
        """Close every connection and end every thread."""

    async def __aenter__(self) -> Session:
        """Lend it."""
        self.lent_count += 1
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Take it back."""
        self.lent_count -= 1
        if self.is_dismissed and not self.lent_count:
            await finish(self.end())

    async def dismiss(self) -> None:
        """End now, or with the last session that is still out."""
        self.is_dismissed = True
        if not self.lent_count:
            await finish(self.end())


class Lending(abc.ABC):
    """A connection model that lends one thing to everybody."""

    def __init__(self, *, synchronous: Synchronous, busy_timeout_ms: int) -> None:
        """Raise ``DefinitionError`` for options that cannot be meant; opens nothing."""
        self._file = StoreFile(synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
        self._lent: Lent | None = None

    @abc.abstractmethod
    def _new(self) -> Lent:
        """Return what will be lent, not open yet."""

    @property
    def synchronous(self) -> Synchronous:
        """What a commit waits for."""
        return self._file.synchronous

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Open the connections that stay open and enter WAL mode; see ``ConnectionModel.open``."""
        self._file.enter(path, create=create)
        lent = self._new()
        try:
            await lent.open(prepare)
        except BaseException:
            try:
                await finish(lent.end())
            finally:
                self._file.leave()
            raise
        self._lent = lent

    async def close(self) -> None:
        """Close; sessions that are lent keep everything open until the last one ends."""
        lent, self._lent = self._lent, None
        if lent is not None:
            try:
                await lent.dismiss()
            finally:
                self._file.leave()

    def session(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """Lend it."""
        lent = self._lent
        if lent is None:
            raise self._file.not_open()
        self._file.require_own_loop()
        return lent
