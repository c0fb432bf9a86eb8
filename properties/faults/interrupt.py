"""INTERRUPT: SQLite is told to stop at a step of its virtual machine.

Source: https://sqlite.org/c3ref/progress_handler.html. The last step of a COMMIT is past the point
of no return: there the transaction is durable, and SQLite raises all the same.
"""

from __future__ import annotations

import sqlite3

from properties.faults.plan import Means, Strike


class InterruptStrike(Strike):
    """Stops the statement that runs at the Nth step."""

    def watch(self, connection: sqlite3.Connection) -> None:
        """Be asked at every step."""
        connection.set_progress_handler(self._step, 1)

    def _step(self) -> int:
        return int(self.is_due("INTERRUPT at this step"))


INTERRUPT = Means(
    name="interrupt", fault="INTERRUPT", operation="VDBE step", strike=InterruptStrike
)
