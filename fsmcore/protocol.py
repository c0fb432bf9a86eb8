"""The seams of the core: what a state machine must do, and what it is given.

A machine is ephemeral: built from one row, used for one transition, dropped. It decides; it
never reads or writes the database itself. What it decides on comes in through ``ask_guard``,
what it decided goes out through ``enter``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fsmcore.lifecycle import Edge, Lifecycle

AskGuard = Callable[["Edge"], Awaitable[bool]]
"""Called once with the edge about to be taken; False refuses it."""

Enter = Callable[["Edge"], Awaitable[None]]
"""Called once when the edge is taken; the row is written in here. Errors reach the sender."""


class FileStateMachineProtocol(Protocol):
    """A machine in one state, able to take one event.

    ``trigger`` raises ``TransitionNotAllowedError`` when the state has no such edge,
    ``GuardRejectedError`` when the guard refused, and whatever ``ask_guard`` or ``enter``
    raised, unchanged. It returns only after ``enter`` has returned.
    """

    @property
    def current_state(self) -> str:
        """The state now; before activation, the state that the machine was built with."""
        ...

    async def activate(self) -> None:
        """Make the machine ready. Calls neither the guard nor ``enter``."""
        ...

    async def trigger(self, event: str) -> None:
        """Take one event."""
        ...


class MachineFactory(Protocol):
    """Builds a machine for the row that was read. Both adapters are such factories."""

    def __call__(
        self,
        lifecycle: Lifecycle,
        *,
        file_path: str,
        state: str,
        ask_guard: AskGuard,
        enter: Enter,
    ) -> FileStateMachineProtocol:
        """Return a machine in ``state``; the lifecycle is known to hold that state."""
        ...
