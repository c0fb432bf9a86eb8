"""What a connection model is, and what one transaction is and comes to.

A session reads a few times and then commits at most once. A model decides on which connection, in
which thread and in how many hops; what is promised does not depend on it.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fsmcore.errors import FsmCoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsmcore.native import Synchronous

Row = tuple[Any, ...]


class CommitFate(enum.Enum):
    """How far a transaction got. SENT is the unknown one: COMMIT is out, no answer came back."""

    NOT_SENT = "not sent"
    SENT = "sent"
    COMMITTED = "committed"


@dataclass(slots=True)
class Receipt:
    """Carries the fate of one transaction out of any exception, cancellation included."""

    fate: CommitFate = CommitFate.NOT_SENT


class Write(NamedTuple):
    """One statement of a transaction, and the row count without which all of it is undone."""

    sql: str
    parameters: tuple[object, ...] = ()
    row_count: int = 1


class RowCountError(FsmCoreError):
    """A write met another number of rows than it must; its transaction was rolled back."""

    def __init__(self, write_index: int, row_count: int) -> None:
        self.write_index = write_index
        self.row_count = row_count
        super().__init__(f"write {write_index} of the transaction met {row_count} rows.")


class CommitFailedError(FsmCoreError):
    """COMMIT was sent and failed with anything but BUSY: committed or not, nobody knows yet."""

    outcome_unknown = True

    def __init__(self, name: str, cause: str) -> None:
        self.cause = cause
        super().__init__(
            f"{name}: outcome unknown: COMMIT was sent and failed ({cause}). Read before you retry."
        )


class Session(Protocol):
    """One transition's use of the database: a few reads, then at most one transaction.

    What its methods return is awaited once, and at once. No coroutines are asked for: each between
    a task and its answer is a step more at every hop.
    """

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[list[Row]]:
        """Return every row. Nothing stays open after, so no snapshot is pinned."""
        ...

    def fetch_exclusively(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> Awaitable[list[Row]]:
        """Return every row, read while nobody can be writing."""
        ...

    def commit(self, writes: Sequence[Write], receipt: Receipt) -> Awaitable[None]:
        """Run ``writes`` in one ``BEGIN IMMEDIATE`` transaction, or none of them.

        Safe to cancel before COMMIT is sent. After it ``receipt`` says what is known: COMMITTED
        where the model waits for the answer, else SENT.
        """
        ...


Prepare = Callable[[Session], Awaitable[None]]


class ConnectionModel(Protocol):
    """How a store gets its connections. Owned by the store, which opens and closes it."""

    @property
    def synchronous(self) -> Synchronous:
        """What a commit of this model waits for."""
        ...

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Make ready; leaves nothing open when it raises.

        ``prepare`` runs on the first connection, before the model changes anything in the file:
        a database that it refuses stays as it was, its journal mode included.
        """
        ...

    async def close(self) -> None:
        """Give everything back. May be repeated. Sessions that are lent end as they would have."""
        ...

    def session(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """Lend a session for the block."""
        ...
