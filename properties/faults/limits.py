"""FULL and READONLY: limits that a connection is given as it opens.

The operation counted is the opening of a connection. ``max_page_count`` leaves no page, or a few,
beyond those that the file has; ``query_only`` refuses every write.
"""

from __future__ import annotations

import functools
import sqlite3

from properties.faults.plan import Fault, History, Means, Phase, Strike
from properties.faults.struck import of_the_harness


class FullStrike(Strike):
    """Lets the file grow by ``room_pages`` and no more, on the Nth connection."""

    padding_size = 20_000
    """Four pages of it, so that a small room is too small as well."""

    def __init__(self, fault: Fault, *, room_pages: int) -> None:
        """``room_pages`` is what is still free."""
        super().__init__(fault)
        self._room_pages = room_pages
        self._page_count = 0

    def prepare(self, path: str, _history: History) -> None:
        """Count the pages that there are."""
        with of_the_harness():
            connection = sqlite3.connect(path)
        ((self._page_count,),) = connection.execute("PRAGMA page_count").fetchall()
        connection.close()

    def watch(self, connection: sqlite3.Connection) -> None:
        """Limit it."""
        limit = self._page_count + self._room_pages
        if self.is_due(f"FULL at {self._room_pages} pages more"):
            connection.execute(f"PRAGMA max_page_count={limit}").close()


class ReadOnlyStrike(Strike):
    """Makes the Nth connection refuse to write."""

    def watch(self, connection: sqlite3.Connection) -> None:
        """Refuse."""
        if self.is_due("READONLY"):
            connection.execute("PRAGMA query_only=1").close()


ATTEMPT_ONLY = (Phase.ATTEMPT,)
LIMITS = (
    *(
        Means(
            name=f"full-{room_pages}",
            fault="FULL",
            operation="connection opened",
            strike=functools.partial(FullStrike, room_pages=room_pages),
            phases=ATTEMPT_ONLY,
        )
        for room_pages in (0, 1, 2, 3)
    ),
    Means(
        name="query-only",
        fault="READONLY",
        operation="connection opened",
        strike=ReadOnlyStrike,
    ),
)
