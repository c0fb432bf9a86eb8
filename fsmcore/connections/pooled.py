"""A few connections that stay open; each read and each transaction takes the freest one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fsmcore.connections.lane import MakeLane, ThreadLane
from fsmcore.connections.seat import Seat, settled
from fsmcore.connections.threaded import Crew, Threaded
from fsmcore.errors import DefinitionError
from fsmcore.native import Synchronous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsmcore.connections.file import StoreFile
    from fsmcore.connections.model import Prepare, Row
    from fsmcore.connections.work import Reading, Work

T = TypeVar("T")

TOGETHER = 16
"""So many short calls in one thread cost less than waking another one for half of them."""


class _PooledCrew(Crew):
    """Holds no seat over two calls: an attempt whose guard waits keeps nobody waiting."""

    def __init__(
        self, file: StoreFile, make_lane: MakeLane, *, size: int, fair_writer_lock: bool
    ) -> None:
        super().__init__(file, make_lane)
        self._size = size
        self._fair_writer_lock = fair_writer_lock
        self._busy_counts: dict[Seat, int] = {}

    async def open(self, prepare: Prepare) -> None:
        await super().open(prepare)
        while len(self.seats) < self._size:
            await self.open_seat()
        self._busy_counts = dict.fromkeys(self.seats, 0)
        self._readers = self.seats[1:] or self.seats
        self._writers = self.seats[:1] if self._fair_writer_lock else self.seats

    async def read(self, work: Reading) -> list[Row]:
        return await self._at_freest(self._readers, work)

    async def write(self, work: Work[T]) -> T:
        return await self._at_freest(self._writers, work)

    async def _at_freest(self, seats: Sequence[Seat], work: Work[T]) -> T:
        counts = self._busy_counts
        seat = min(seats, key=lambda each: counts[each] // TOGETHER)
        counts[seat] += 1
        try:
            return await settled(seat, work)
        finally:
            counts[seat] -= 1


class Pooled(Threaded):
    """``size`` connections that stay open, each on its own thread; a transaction is one hop.

    Reads run beside each other and beside a transaction. ``fair_writer_lock`` lets the tasks of
    this process take turns at BEGIN, first come first served, instead of meeting SQLITE_BUSY;
    other processes are met by the retry policy.
    """

    def __init__(
        self,
        *,
        size: int = 4,
        fair_writer_lock: bool = True,
        synchronous: Synchronous = Synchronous.FULL,
        busy_timeout_ms: int = 0,
        lanes: MakeLane = ThreadLane,
    ) -> None:
        """Raise ``DefinitionError`` for options that cannot be meant; opens nothing."""
        super().__init__(synchronous=synchronous, busy_timeout_ms=busy_timeout_ms, lanes=lanes)
        number: object = size  # a caller whom no type checker reads may give anything
        if not isinstance(number, int) or number < 1:
            raise DefinitionError(
                f"size is {size!r}; give a whole number of connections from 1 on."
            )
        self._size = size
        self._fair_writer_lock = fair_writer_lock

    def _new(self) -> Crew:
        return _PooledCrew(
            self._file, self._lanes, size=self._size, fair_writer_lock=self._fair_writer_lock
        )
