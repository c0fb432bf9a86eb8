"""Another writer on the same file: plain sqlite3, SQL of its own, no politeness."""

from __future__ import annotations

import sqlite3

from properties.subjects.lifecycle import FILES, Lifecycle
from properties.subjects.protocol import V9, Layout


class Outsider:
    """One warm connection that takes the write lock, moves rows, and lets go."""

    def __init__(
        self,
        path: str,
        layout: Layout = V9,
        lifecycle: Lifecycle = FILES,
        *,
        any_thread: bool = False,
    ) -> None:
        """Connect without waiting for anybody. ``any_thread``: one thread at a time, but any."""
        self.layout = layout
        self._lifecycle = lifecycle
        self.db = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=not any_thread
        )
        self.db.execute("PRAGMA synchronous=OFF")
        self._tries_left: int | None = None

    @property
    def holds_the_lock(self) -> bool:
        """Whether it is inside a transaction now."""
        return self.db.in_transaction

    def take_the_lock(self, tries: int | None) -> bool:
        """Hold the write lock until ``tries`` backoffs were seen, or (None) until ``let_go``."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False  # a worker has it: then there is nothing to hold
        self._tries_left = tries
        return True

    def see_a_backoff(self) -> None:
        """Count a worker's wait; let go when it was the last one to be sat out."""
        if self._tries_left is None or not self.holds_the_lock:
            return
        self._tries_left -= 1
        if self._tries_left <= 0:
            self.let_go()

    def let_go(self) -> None:
        """End the transaction, if any."""
        if self.holds_the_lock:
            self.db.execute("ROLLBACK")
        self._tries_left = None

    def move(self, attempt_id: str, file_path: str) -> tuple[str, str, str, int] | None:
        """Take the first legal event; return event, states and version, or None if it could not."""
        if self.holds_the_lock:
            return None
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return None
        try:
            ((state, version),) = self.db.execute(self.layout.row, (file_path,)).fetchall()
            for event, target in self._lifecycle.edges_from(state).items():
                self.db.execute(self.layout.move, (target, file_path))
                entry = (attempt_id, file_path, version + 1, event, state, target)
                if self.layout.note is not None:
                    self.db.execute(self.layout.note, entry)
                self.db.execute("COMMIT")
                return event, state, target, version + 1
        finally:
            self.let_go()
        return None

    def close(self) -> None:
        """Let go and disconnect."""
        self.let_go()
        self.db.close()
