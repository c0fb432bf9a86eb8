"""A fresh sqlite3 connection for each transaction, opened, used and closed in one hop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fsmcore.connections.seat import settled
from fsmcore.connections.threaded import Crew, Threaded

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fsmcore.connections.work import Work

T = TypeVar("T")


class _DirectCrew(Crew):
    """One seat. Its connection is the keeper, which also reads."""

    def write(self, work: Work[T]) -> Awaitable[T]:
        return settled(self.seat, work, is_afresh=True)


class Direct(Threaded):
    """A fresh connection for each transaction, on one thread; the standard library alone.

    No connection outlives a hop but the keeper, so nothing of a transaction, its cache, its locks,
    its descriptors, can reach the next one. Transactions of one store take turns in the order in
    which they came; other processes are met by the retry policy.
    """

    crew = _DirectCrew
