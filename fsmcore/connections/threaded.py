"""What the models on threads of ours share: a crew of seats."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fsmcore.connections.lane import MakeLane, ThreadLane
from fsmcore.connections.lending import Lending, Lent, WorkSession
from fsmcore.connections.seat import Seat, settled
from fsmcore.connections.work import Reading
from fsmcore.native import Synchronous

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fsmcore.connections.file import StoreFile
    from fsmcore.connections.model import Prepare, Row
    from fsmcore.connections.work import Work

T = TypeVar("T")


class SeatSession(WorkSession):
    """A session whose every call goes to one seat's own connection."""

    def __init__(self, file: StoreFile, seat: Seat) -> None:
        """Take the seat; the crew ends it."""
        self.file = file
        self.seat = seat

    def read(self, work: Reading) -> Awaitable[list[Row]]:
        """Run a read; models say where."""
        return settled(self.seat, work)

    def write(self, work: Work[T]) -> Awaitable[T]:
        """Run what takes the write lock; models say where."""
        return settled(self.seat, work)


class Crew(SeatSession, Lent):
    """The seats of one opened model."""

    def __init__(self, file: StoreFile, make_lane: MakeLane) -> None:
        """Start the first lane, whose connection is the keeper."""
        Lent.__init__(self, file)
        self.seats: list[Seat] = []
        self._make_lane = make_lane
        SeatSession.__init__(self, file, self.add_seat())

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

    async def end(self) -> None:
        """Close every connection and end every thread."""
        seats, self.seats = self.seats, []
        for ending in [seat.lane.end() for seat in reversed(seats)]:
            await ending


class Threaded(Lending):
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
        super().__init__(synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
        self._lanes = lanes

    def _new(self) -> Crew:
        return self.crew(self._file, self._lanes)
