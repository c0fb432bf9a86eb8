"""What the models on threads of ours share: opening, lending and closing a crew of seats."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from fsmcore.cancellation import finish
from fsmcore.connections.file import StoreFile
from fsmcore.connections.lane import MakeLane, ThreadLane
from fsmcore.connections.seat import Seat, settled
from fsmcore.connections.work import ExclusiveReading, Reading, Transaction
from fsmcore.native import Synchronous

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from fsmcore.connections.model import Prepare, Receipt, Row, Session, Write
    from fsmcore.connections.work import Work

T = TypeVar("T")


class SeatSession:
    """A session whose every call goes to one seat's own connection."""

    def __init__(self, file: StoreFile, seat: Seat) -> None:
        """Take the seat; the crew ends it."""
        self.file = file
        self.seat = seat

    async def read(self, work: Work[T]) -> T:
        """Run a read; models say where."""
        return await settled(self.seat, work)

    async def write(self, work: Work[T]) -> T:
        """Run what takes the write lock; models say where."""
        return await settled(self.seat, work)

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """See ``Session.fetch``."""
        return await self.read(Reading(self.file.name, sql, parameters))

    async def fetch_exclusively(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """See ``Session.fetch_exclusively``."""
        return await self.write(ExclusiveReading(self.file.name, sql, parameters))

    async def commit(self, writes: Sequence[Write], receipt: Receipt) -> None:
        """See ``Session.commit``; after a cancellation ``receipt`` says COMMITTED or not."""
        await self.write(Transaction(self.file.name, writes, receipt))


class Crew(SeatSession):
    """The seats of one opened model, and a session to anybody: it keeps nothing between calls.

    ``lent_count`` sessions are out; a crew that is dismissed ends when the last one comes back.
    """

    def __init__(self, file: StoreFile, make_lane: MakeLane) -> None:
        """Start the first lane, whose connection is the keeper."""
        self.file = file
        self.lent_count = 0
        self.is_dismissed = False
        self.seats: list[Seat] = []
        self._make_lane = make_lane
        super().__init__(file, self.add_seat())

    def add_seat(self) -> Seat:
        """Start a lane."""
        seat = Seat(self.file, self._make_lane(f"{self.file.name} {len(self.seats) + 1}"))
        self.seats.append(seat)
        return seat

    async def open(self, prepare: Prepare) -> None:
        """Open what stays open. All that is done to the file before is done on one connection."""
        await self.file.prepare(SeatSession(self.file, self.seat), prepare)

    async def open_seat(self) -> Seat:
        """Start a lane whose connection is open when it returns."""
        seat = self.add_seat()
        await settled(seat, Reading(self.file.name, "PRAGMA schema_version", ()))
        return seat

    # Lending it

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

    async def end(self) -> None:
        """Close every connection and end every thread."""
        seats, self.seats = self.seats, []
        for ending in [seat.lane.end() for seat in reversed(seats)]:
            await ending


class Threaded:
    """A connection model on lanes. ``crew`` is the part that differs."""

    crew: type[Crew] = Crew

    def __init__(
        self,
        *,
        synchronous: Synchronous = Synchronous.FULL,
        busy_timeout_ms: int = 0,
        lanes: MakeLane = ThreadLane,
    ) -> None:
        """Raise ``DefinitionError`` for options that cannot be meant; opens nothing.

        ``busy_timeout_ms`` is SQLite's own waiting for other processes, which polls and is unfair:
        0 leaves it to the retry policy. ``lanes`` makes threads; a simulation gives its own.
        """
        self._file = StoreFile(synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
        self._lanes = lanes
        self._crew: Crew | None = None

    @property
    def synchronous(self) -> Synchronous:
        """What a commit waits for."""
        return self._file.synchronous

    def _new_crew(self) -> Crew:
        return self.crew(self._file, self._lanes)

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Open the connections that stay open and enter WAL mode; see ``ConnectionModel.open``."""
        self._file.enter(path, create=create)
        crew = self._new_crew()
        try:
            await crew.open(prepare)
        except BaseException:
            try:
                await finish(crew.end())
            finally:
                self._file.leave()
            raise
        self._crew = crew

    async def close(self) -> None:
        """Close; sessions that are lent keep everything open until the last one ends."""
        crew, self._crew = self._crew, None
        if crew is not None:
            try:
                await crew.dismiss()
            finally:
                self._file.leave()

    def session(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """Lend the crew."""
        crew = self._crew
        if crew is None:
            raise self._file.not_open()
        self._file.require_own_loop()
        return crew
