"""What a native connection does by itself, in its own thread, when it is opened and closed.

A hop to a connection's thread and back costs more than most statements, and each is a place where
a cancellation or another writer can come between. So the PRAGMAs run in the hop that opens, and a
rollback in the hop that closes: there no BEGIN can be on its way, and a transaction that is open is
one that its owner has given up.
"""

from __future__ import annotations

import enum
import sqlite3
from dataclasses import dataclass
from typing import Any

from fsmcore.errors import StoreUnavailableError


class Synchronous(enum.Enum):
    """When SQLite waits for the disk. FULL: an acknowledged transition survives a power loss.

    NORMAL promises a prefix only: what survives is consistent, and the last acknowledged
    transitions may be gone (https://sqlite.org/pragma.html#pragma_synchronous).
    """

    NORMAL = 1
    FULL = 2
    EXTRA = 3


@dataclass(slots=True, kw_only=True)
class Preparation:
    """What a new connection is asked to be, and why it could not be made so.

    ``error`` is what SQLite raised, or a ``StoreUnavailableError``. It is kept and not raised, so
    that who has connected can close.
    """

    store_name: str
    synchronous: Synchronous
    requires_wal: bool
    error: BaseException | None = None

    def take_error(self) -> BaseException | None:
        """Return the error and forget it, so that its frames do not keep it alive."""
        error, self.error = self.error, None
        return error


class PreparedConnection(sqlite3.Connection):
    """Sets and checks its PRAGMAs before anybody can use it; never closes in a transaction.

    For ``sqlite3.connect(..., factory=PreparedConnection, preparation=...)``, which hands its
    arguments on to the factory.
    """

    def __init__(self, *arguments: Any, preparation: Preparation, **options: Any) -> None:
        """Open, raising what SQLite raises, and prepare; see ``Preparation.error``."""
        super().__init__(*arguments, **options)
        try:
            self._prepare(preparation)
        except BaseException as error:  # noqa: BLE001 - raised where the connection can be closed
            preparation.error = error

    def _prepare(self, asked: Preparation) -> None:
        self.execute(f"PRAGMA synchronous={asked.synchronous.name}")
        ((synchronous,),) = self.execute("PRAGMA synchronous").fetchall()
        if synchronous != asked.synchronous.value:
            raise StoreUnavailableError(
                f"{asked.store_name}: asked for synchronous {asked.synchronous.name}, got "
                f"{synchronous}. Is SQLite built without it?"
            )
        if asked.requires_wal:
            ((journal_mode,),) = self.execute("PRAGMA journal_mode").fetchall()
            require_wal(journal_mode, asked.store_name)

    def close(self) -> None:
        """Undo what is not committed, then close.

        Closed inside a transaction, a connection with an unfinished cursor would keep the write
        lock until the cursor dies (CPython from 3.11 on).
        """
        try:
            self.rollback()
        finally:
            super().close()


def require_wal(journal_mode: object, store_name: str) -> None:
    """Raise ``StoreUnavailableError`` for any other journal mode."""
    if journal_mode != "wal":
        raise StoreUnavailableError(
            f"{store_name}: asked for WAL, got journal mode {journal_mode!r}. A read-only or "
            "in-memory file, or a file system without shared memory, cannot use WAL."
        )
