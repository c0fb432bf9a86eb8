"""One connection that writes and one that reads, both kept open."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fsmcore.connections.seat import settled
from fsmcore.connections.threaded import Crew, Threaded

if TYPE_CHECKING:
    from fsmcore.connections.model import Prepare
    from fsmcore.connections.seat import Seat
    from fsmcore.connections.work import Work

T = TypeVar("T")


class WriterCrew(Crew):
    """The first seat reads, the second writes."""

    writer: Seat

    async def open(self, prepare: Prepare) -> None:
        """Open both."""
        await super().open(prepare)
        self.writer = await self.open_seat()

    async def write(self, work: Work[T]) -> T:
        """Queue for the writer: SQLite lets one write at a time, and a queue is fair."""
        return await settled(self.writer, work)


class SingleWriter(Threaded):
    """Every transaction of this store goes through one connection's queue; reads do not.

    The queue is what makes it fair and keeps this process from ever meeting its own lock; other
    processes are met by the retry policy.
    """

    crew = WriterCrew
