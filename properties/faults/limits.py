"""FULL and READONLY: limits that a connection is given as it opens.

The operation counted is the opening of a connection. ``max_page_count`` leaves no page, or a few,
beyond those that the file has; ``query_only`` and ``mode=ro`` refuse every write.

Choices: whoever keeps a connection would keep its limit, and a fault must be lifted afterwards. So
it is taken away from another thread, which sqlite3 is told to allow. ``mode=ro`` cannot be taken
away: it strikes attempts only, whose connections nobody should trust after it.
"""

from __future__ import annotations

import contextlib
import functools
import pathlib
import re
import sqlite3
from typing import Any

from properties.faults.plan import Fault, History, Means, Phase, Strike
from properties.faults.struck import of_the_harness

NO_LIMIT = 1073741823
"""What SQLite takes for ``max_page_count`` when nobody sets it, up to 3.44."""


class _LimitStrike(Strike):
    """Gives the Nth connection a limit, and takes it away."""

    def __init__(self, fault: Fault) -> None:
        """Limit nothing yet."""
        super().__init__(fault)
        self._limited: list[sqlite3.Connection] = []

    def opening(self, database: Any, options: dict[str, Any]) -> Any:
        """Let ``lift`` reach the connection from another thread."""
        options["check_same_thread"] = False
        return database

    def _limit(self, connection: sqlite3.Connection, sql: str) -> None:
        connection.execute(sql).close()
        self._limited.append(connection)

    def _lift(self, sql: str) -> None:
        while self._limited:
            with contextlib.suppress(sqlite3.ProgrammingError):  # it is closed
                self._limited.pop().execute(sql).close()


class FullStrike(_LimitStrike):
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
            self._limit(connection, f"PRAGMA max_page_count={limit}")

    def lift(self) -> None:
        """Let it grow."""
        self._lift(f"PRAGMA max_page_count={NO_LIMIT}")


class QueryOnlyStrike(_LimitStrike):
    """Makes the Nth connection refuse to write."""

    def watch(self, connection: sqlite3.Connection) -> None:
        """Refuse."""
        if self.is_due("READONLY"):
            self._limit(connection, "PRAGMA query_only=1")

    def lift(self) -> None:
        """Let it write."""
        self._lift("PRAGMA query_only=0")


class ReadOnlyStrike(Strike):
    """Opens the Nth connection with ``mode=ro``, whatever was asked for.

    https://sqlite.org/uri.html#urimode
    """

    def opening(self, database: Any, options: dict[str, Any]) -> Any:
        """Ask for another one."""
        if not self.is_due("READONLY: opened with mode=ro"):
            return database
        if not options.get("uri"):
            options["uri"] = True
            database = pathlib.Path(database).absolute().as_uri()
        asked = re.sub(r"([?&])mode=[^&]*&?", r"\1", database).rstrip("?&")
        return f"{asked}{'&' if '?' in asked else '?'}mode=ro"


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
        strike=QueryOnlyStrike,
    ),
    Means(
        name="mode-ro",
        fault="READONLY",
        operation="connection opened",
        strike=ReadOnlyStrike,
        phases=ATTEMPT_ONLY,
    ),
)
