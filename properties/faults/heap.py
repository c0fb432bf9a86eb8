"""NOMEM without SQLite's allocator: its heap is limited, and filled up to the limit.

``PRAGMA hard_heap_limit`` can be lowered and never raised again in a process
(https://sqlite.org/pragma.html#pragma_hard_heap_limit). So the limit is set once, high, and what is
left below it is taken by *ballast*: statements that nobody steps, each of which keeps a copy of its
own text. Letting some of them go leaves room, and letting all of them go lifts the fault.

Needs a process of its own: all of SQLite's connections share one heap.
"""

from __future__ import annotations

import sqlite3

from properties.faults.plan import Fault, Strike

LIMIT_BYTES = 24 * 2**20
STEP_BYTES = 1024
_CHUNKS = (2**19, 2**16, 2**13, STEP_BYTES)


class Ballast:
    """SQLite's heap, filled by statements of one idle connection."""

    def __init__(self) -> None:
        """Connect; every statement is given back when its cursor goes."""
        self._db = sqlite3.connect(":memory:", cached_statements=0)
        self._spare: list[sqlite3.Cursor] = []
        self._rest: list[sqlite3.Cursor] = []

    def fill(self, spare_steps: int) -> None:
        """Take all that is left below the limit, and let ``spare_steps`` times 1024 bytes go."""
        self._spare = [self._taken(STEP_BYTES) for _ in range(spare_steps)]
        for size in _CHUNKS:
            try:
                while True:
                    self._rest.append(self._taken(size))
            except MemoryError:
                pass
        self._spare.clear()

    def drop(self) -> None:
        """Give all of it back."""
        self._spare.clear()
        self._rest.clear()

    def close(self) -> None:
        """Give it back and disconnect."""
        self.drop()
        self._db.close()

    def _taken(self, size: int) -> sqlite3.Cursor:
        return self._db.execute(f"SELECT 1 UNION ALL SELECT 2 --{'x' * size}")


class HeapStrike(Strike):
    """Leaves N - 1 steps of 1024 bytes on SQLite's heap."""

    def __init__(self, fault: Fault) -> None:
        """Set the limit of the process, if nobody has."""
        super().__init__(fault)
        limit_heap()
        self._ballast = Ballast()

    def arm(self) -> None:
        """Fill it."""
        super().arm()
        self.on_fire(f"struck: NOMEM, {(self.fault.nth - 1) * STEP_BYTES} bytes are left")
        self._ballast.fill(self.fault.nth - 1)

    def ended(self, *, is_success: bool) -> None:
        """It was felt if the call did not succeed."""
        self.fired = int(not is_success)

    def lift(self) -> None:
        """Give it back."""
        self._ballast.drop()

    def leave(self) -> None:
        """Disconnect."""
        self._ballast.close()


def limit_heap() -> int:
    """Set the limit; return the one in force, 0 where SQLite knows none."""
    db = sqlite3.connect(":memory:")
    try:
        rows = db.execute(f"PRAGMA hard_heap_limit={LIMIT_BYTES}").fetchall()
        return rows[0][0] if rows else 0
    finally:
        db.close()


def why_no_limit() -> str | None:
    """Say why the heap of this process's SQLite cannot be filled, or None. Sets the limit."""
    if limit_heap() != LIMIT_BYTES:
        return "this SQLite has no PRAGMA hard_heap_limit (3.31), or another limit is in force"
    db, ballast = sqlite3.connect(":memory:"), Ballast()
    try:
        ballast.fill(0)
        db.execute(f"SELECT 1 --{'x' * _CHUNKS[0]}")
    except MemoryError:
        return None
    finally:
        ballast.close()
        db.close()
    return "this SQLite keeps no count of its memory, and no limit"
