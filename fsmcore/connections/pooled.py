"""A few connections that stay open; each read and each transaction takes the freest one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TypeVar

from fsmcore.connections.lane import MakeLane, ThreadLane
from fsmcore.connections.seat import Seat, settled
from fsmcore.connections.threaded import Crew, Threaded
from fsmcore.errors import DefinitionError
from fsmcore.native import Synchronous

if TYPE_CHECKING:
    from fsmcore.connections.file import StoreFile
    from fsmcore.connections.model import Prepare
    from fsmcore.connections.work import Work

T = TypeVar("T")

_NO_LOCK = contextlib.nullcontext()


class _PooledCrew(Crew):
    """Holds no seat over two calls: an attempt whose guard waits keeps nobody waiting."""

    def __init__(
        self, file: StoreFile, make_lane: MakeLane, *, size: int, fair_writer_lock: bool
    ) -> None:
        super().__init__(file, make_lane)
        self._size = size
        self._writer_lock = asyncio.Lock() if fair_writer_lock else None

    async def open(self, prepare: Prepare) -> None:
        await super().open(prepare)
        while len(self.seats) < self._size:
            await self.open_seat()

    def _freest(self) -> Seat:
        return min(self.seats, key=_busy_count)

    async def read(self, work: Work[T]) -> T:
        return await settled(self._freest(), work)

    async def write(self, work: Work[T]) -> T:
        async with self._writer_lock or _NO_LOCK:
            return await settled(self._freest(), work)


def _busy_count(seat: Seat) -> int:
    return seat.busy_count


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
        if size < 1:
            raise DefinitionError(f"size is {size}; one connection is the least.")
        self._size = size
        self._fair_writer_lock = fair_writer_lock

    def _new_crew(self) -> Crew:
        return _PooledCrew(
            self._file, self._lanes, size=self._size, fair_writer_lock=self._fair_writer_lock
        )
