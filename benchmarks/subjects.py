"""What moves a row along the ring, from bare aiosqlite to the whole manager."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import aiosqlite

from benchmarks import ring
from benchmarks.ledger import Moved
from benchmarks.models import DEFAULT, Connections, Way, per_transition
from benchmarks.plain import SELECT, writes
from fsmcore import (
    ConnectionModel,
    FileRow,
    FileTransitionManager,
    FsmCoreError,
    MachineFactory,
    RetryPolicy,
    Store,
    Synchronous,
)
from fsmcore.native import Preparation, PreparedConnection

OnRetry = Callable[[FsmCoreError, int, float], None]


class Subject(Protocol):
    """Moves rows of one database. Belongs to one event loop."""

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:
        """Open; ``on_retry`` is told of every try that is made again."""
        ...

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row of ``key`` one step; return after the commit."""
        ...

    async def close(self) -> None:
        """Close."""
        ...


class BareAiosqlite:
    """The statements of a transition through aiosqlite, on a kept or on a fresh connection.

    Knows nothing of races, cancellation or errors; it shows what the library costs.
    """

    def __init__(self, *, fresh_connection: bool) -> None:
        """Open nothing yet."""
        self._fresh_connection = fresh_connection

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:  # noqa: ARG002 - never tries again
        """Open the kept connection, which is also the keeper."""
        self._path = path
        self._synchronous = synchronous
        self._kept = await self._connect()

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row; see ``Subject``."""
        if not self._fresh_connection:
            return await self._move(self._kept, key, attempt_id)
        connection = await self._connect()
        try:
            return await self._move(connection, key, attempt_id)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Close the kept connection."""
        await self._kept.close()

    async def _connect(self) -> aiosqlite.Connection:
        asked = Preparation(
            store_name=self._path.name, synchronous=self._synchronous, requires_wal=True
        )
        connection = await aiosqlite.connect(
            self._path, isolation_level=None, factory=PreparedConnection, preparation=asked
        )
        error = asked.take_error()
        if error is not None:
            await connection.close()
            raise error
        return connection

    async def _move(self, connection: aiosqlite.Connection, key: str, attempt_id: str) -> Moved:
        ((state, version, *_),) = await connection.execute_fetchall(SELECT, (key,))
        await connection.execute("BEGIN IMMEDIATE")
        for statement, parameters in writes(key, state, version, attempt_id):
            cursor = await connection.execute(statement, parameters)
            if cursor.rowcount != 1:
                raise aiosqlite.IntegrityError("a transition met another number of rows than one")
        await connection.execute("COMMIT")
        return Moved(state, ring.EDGE_FROM[state].target, version + 1)


class StoreOnly:
    """The store's compare-and-set with its journal row and its retries, without a machine."""

    def __init__(self, connections: Connections = per_transition) -> None:
        """Open nothing yet."""
        self._connections = connections

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:
        """Open the store."""
        self._store = await _opened(path, self._connections(synchronous), on_retry)

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row; see ``Subject``."""

        async def once(_tries: int) -> Moved:
            async with self._store.attempt(attempt_id) as attempt:
                row = await attempt.read(key)
                moved = await attempt.compare_and_set(row, ring.EDGE_FROM[row.state])
                return Moved(row.state, moved.state, moved.version)

        return await self._store.retry.run(once)

    async def read(self, key: str) -> FileRow:
        """Return the row of ``key``."""
        return await self._store.read(key)

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()


class Managed:
    """The whole manager: lock, read, machine, guard, write."""

    lifecycle = ring.RING

    def __init__(self, machine: MachineFactory, way: Way = DEFAULT) -> None:
        """Open nothing yet."""
        self._machine = machine
        self._way = way

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:
        """Open the store and put the manager on it."""
        store = await _opened(path, self._way.connections(synchronous), on_retry)
        self._manager = FileTransitionManager(
            store, lifecycle=self.lifecycle, machine=self._machine, locks=self._way.locks()
        )

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row; see ``Subject``."""
        moved = await self._manager.transition(key, ring.ADVANCE, attempt_id=attempt_id)
        return Moved(moved.from_state, moved.to_state, moved.version)

    async def read(self, key: str) -> FileRow:
        """Return the row of ``key``."""
        return await self._manager.store.read(key)

    async def close(self) -> None:
        """Close the store."""
        await self._manager.store.close()


class Deciding(Managed):
    """A caller who reads the row first and asks for the event of the state that it saw."""

    lifecycle = ring.NAMED_RING

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row; raises ``TransitionNotAllowedError`` when it has moved meanwhile."""
        row = await self.read(key)
        event = f"leave_{row.state}"
        moved = await self._manager.transition(key, event, attempt_id=attempt_id)
        return Moved(moved.from_state, moved.to_state, moved.version)


async def _opened(path: Path, connections: ConnectionModel, on_retry: OnRetry) -> Store:
    retry = RetryPolicy(jitter=random.Random(0).uniform, on_retry=on_retry)
    store = Store(path, connections=connections, retry=retry)
    await store.open()
    return store
