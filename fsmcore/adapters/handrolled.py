"""The machine without a library: the reference, and the control group of every comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsmcore.errors import GuardRejectedError, TransitionNotAllowedError
from fsmcore.lifecycle import Edge

if TYPE_CHECKING:
    from fsmcore.lifecycle import Lifecycle
    from fsmcore.protocol import AskGuard, Enter


class HandRolledAdapter:
    """Looks the edge up, asks the guard, enters. Takes one event at a time."""

    __slots__ = ("_ask_guard", "_enter", "_file_path", "_lifecycle", "_state")

    def __init__(
        self,
        lifecycle: Lifecycle,
        *,
        file_path: str,
        state: str,
        ask_guard: AskGuard,
        enter: Enter,
    ) -> None:
        """Stand in ``state``."""
        self._lifecycle = lifecycle
        self._file_path = file_path
        self._state = state
        self._ask_guard = ask_guard
        self._enter = enter

    @property
    def current_state(self) -> str:
        """The state now."""
        return self._state

    async def activate(self) -> None:
        """Do nothing: there is nothing to make ready."""

    async def trigger(self, event: str) -> None:
        """Take one event; see ``FileStateMachineProtocol``."""
        source = self._state
        target = self._lifecycle.target(source, event)
        if target is None:
            raise TransitionNotAllowedError(
                self._file_path, event, source, self._lifecycle.allowed(source)
            )
        edge = Edge(source, event, target)
        if not await self._ask_guard(edge):
            raise GuardRejectedError(self._file_path, event, source)
        await self._enter(edge)
        self._state = target
