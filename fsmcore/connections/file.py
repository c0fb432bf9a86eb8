"""The file that one opened model serves: whose loop it belongs to, and how it is opened."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from typing import TYPE_CHECKING, Any

from fsmcore.errors import DefinitionError, StoreUnavailableError
from fsmcore.native import Preparation, PreparedConnection, Synchronous, require_wal
from fsmcore.sqlite import database_uri, refuse_unusable, translated
from fsmcore.text import shown

if TYPE_CHECKING:
    from fsmcore.connections.model import Prepare, Session


class StoreFile:
    """One database file and what every connection to it is asked to be.

    ``busy_timeout_ms`` is SQLite's own waiting, which polls and is unfair: 0 leaves it out.
    """

    def __init__(self, *, synchronous: Synchronous, busy_timeout_ms: int) -> None:
        """Raise ``DefinitionError`` for options that cannot be meant; touches no file."""
        if not isinstance(synchronous, Synchronous):
            raise DefinitionError(
                f"synchronous is {synchronous!r}; give Synchronous.FULL or another member."
            )
        if busy_timeout_ms < 0:
            raise DefinitionError(f"busy_timeout_ms is {busy_timeout_ms}; 0 is the least.")
        self.synchronous = synchronous
        self.name = "store"
        self.uri = ""
        self._busy_timeout_ms = busy_timeout_ms
        self._path = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_wal = False

    def enter(self, path: str, *, create: bool) -> None:
        """Belong to this loop; raises ``StoreUnavailableError`` for a file that cannot be opened.

        Call it before the first await, so that nobody else opens meanwhile, and ``leave`` when
        opening fails.
        """
        if self._loop is not None:
            raise StoreUnavailableError(f"{self.name}: already open; one model serves one store.")
        self.name = shown(os.path.basename(path))
        refuse_unusable(path, create=create)
        self.uri = database_uri(path, mode="rwc" if create else "rw")
        self._path = path
        self._has_wal = False
        self._loop = asyncio.get_running_loop()

    def leave(self) -> None:
        """Belong to nobody."""
        self._loop = None

    def require_own_loop(self) -> None:
        """Raise ``StoreUnavailableError`` where the running loop did not open it."""
        if self._loop is not asyncio.get_running_loop():
            raise StoreUnavailableError(
                f"{self.name}: opened in another event loop; open a store in each."
            )

    def not_open(self) -> StoreUnavailableError:
        """Return the error for who uses it before it is open, or after."""
        return StoreUnavailableError(f"{self.name}: not open; use 'async with'.")

    def preparation(self) -> Preparation:
        """Return what a new connection is to be.

        Until the WAL is there a rollback journal guards the file, and NORMAL syncs its header and
        its pages at once: a power loss that tears a page where the sampled checksum does not look
        would roll that page back over a sound database. So until then nobody waits less than FULL.
        """
        waits_less = self._waits_less and not self._has_wal
        return Preparation(
            store_name=self.name,
            synchronous=Synchronous.FULL if waits_less else self.synchronous,
            requires_wal=self._has_wal,
        )

    @property
    def _waits_less(self) -> bool:
        return self.synchronous is Synchronous.NORMAL

    def connect_options(self, preparation: Preparation) -> dict[str, Any]:
        """Return the arguments of ``sqlite3.connect`` beside the URI."""
        return {
            "uri": True,
            "isolation_level": None,
            "timeout": self._busy_timeout_ms / 1000,
            "factory": PreparedConnection,
            "preparation": preparation,
        }

    def connect(self) -> sqlite3.Connection:
        """Open a connection in this thread; raises errors of fsmcore and leaves nothing open."""
        preparation = self.preparation()
        with translated(self.name):
            native: sqlite3.Connection = sqlite3.connect(
                self.uri, **self.connect_options(preparation)
            )
            error = preparation.take_error()
            if error is not None:
                native.close()
                raise error
        return native

    async def prepare(self, session: Session, prepare: Prepare) -> None:
        """Use the first connection: let ``prepare`` look at the file, then enter WAL mode."""
        await prepare(session)
        ((journal_mode,),) = await session.fetch("PRAGMA journal_mode=WAL")
        require_wal(journal_mode, self.name)
        if self._waits_less:
            await session.fetch(f"PRAGMA synchronous={self.synchronous.name}")
        await session.fetch("PRAGMA schema_version")  # the first read is what opens the WAL
        self.uri = database_uri(self._path, mode="rw")  # from here on a missing file is an error
        self._has_wal = True
