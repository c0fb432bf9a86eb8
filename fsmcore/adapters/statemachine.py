"""python-statemachine behind our protocol: the only import of it.

One code path serves 2.3 … 3.2. What it leans on, release by release:

* Async callbacks are awaited (not before 2.3.0, where a guard's coroutine counts as true).
* ``on_enter_state`` also fires when a machine is activated, without the sender's arguments and
  with an empty source: ``None`` up to 2.4, a placeholder state whose value is None from 2.5.
* ``current_state_value`` is None before activation.
* A guard runs in a task of its own, and up to 3.2 nobody cancels it with its sender: it would go
  on after the attempt that asked it. So the sender ends it here.
* ``StateMachine`` lets a callback's exception reach the sender. ``StateChart``, which upstream
  recommends from 3.0, swallows it (our database write included) and returns None for a refused
  event; so the class made here is checked to be none of that kind.
* From 3.0 a class without a path to a final state is refused unless two flags are off.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import warnings
from typing import TYPE_CHECKING, Any

import statemachine
from statemachine.exceptions import TransitionNotAllowed

from fsmcore.cancellation import finish
from fsmcore.errors import GuardRejectedError, MachineContractError, TransitionNotAllowedError
from fsmcore.lifecycle import Edge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsmcore.lifecycle import Lifecycle
    from fsmcore.protocol import AskGuard, Enter

_TAUGHT = "use python-statemachine 2.3 or later, where async callbacks are awaited"


class StateMachineAdapter:
    """Drives one python-statemachine machine through one transition."""

    __slots__ = (
        "_ask_guard",
        "_asking",
        "_enter",
        "_event",
        "_file_path",
        "_lifecycle",
        "_machine",
        "_raised",
        "_refused",
        "_state",
    )

    def __init__(
        self,
        lifecycle: Lifecycle,
        *,
        file_path: str,
        state: str,
        ask_guard: AskGuard,
        enter: Enter,
    ) -> None:
        """Build the machine in ``state``, not yet activated."""
        self._lifecycle = lifecycle
        self._file_path = file_path
        self._state = state
        self._ask_guard = ask_guard
        self._enter = enter
        self._asking: asyncio.Task[Any] | None = None
        self._event = ""
        self._refused = False
        self._raised: BaseException | None = None
        self._machine: Any = machine_class(lifecycle)(adapter=self, start_value=state)

    @property
    def current_state(self) -> str:
        """The state now; before activation, where the library answers None, the first one."""
        value: str | None = getattr(self._machine, "current_state_value", None)
        return self._state if value is None else value

    async def activate(self) -> None:
        """Enter the first state; ``on_enter_state`` fires and stays silent."""
        activate = getattr(self._machine, "activate_initial_state", None)
        if activate is None:
            raise MachineContractError(
                f"python-statemachine {_version()} cannot be activated from a coroutine: {_TAUGHT}."
            )
        started = activate()
        if inspect.isawaitable(started):
            await started

    async def trigger(self, event: str) -> None:
        """Take one event; see ``FileStateMachineProtocol``."""
        state = self.current_state
        self._lifecycle.target(state, event)  # an unknown event is named before the library sees it
        self._event, self._refused = event, False
        try:
            sent = self._machine.send(_event_id(self._lifecycle, event))
            if inspect.isawaitable(sent):
                await sent
        except TransitionNotAllowed as error:
            if error is self._raised:
                raise  # a callback's own, from a machine of its own; not ours to translate
            if self._refused:
                raise GuardRejectedError(self._file_path, event, state) from None
            raise TransitionNotAllowedError(
                self._file_path, event, state, self._lifecycle.allowed(state)
            ) from None
        finally:
            await self._end_guard()

    async def _end_guard(self) -> None:
        asking = self._asking
        if asking is not None and asking is not asyncio.current_task() and not asking.done():
            asking.cancel()
            await finish(asyncio.wait((asking,)))

    async def _guard(self, source: str, target: str) -> bool:
        self._asking = asyncio.current_task()
        with self._remembering():
            allowed = await self._ask_guard(Edge(source, self._event, target))
        self._refused = not allowed
        return allowed

    async def _on_enter(self, source: str, target: str) -> None:
        with self._remembering():
            await self._enter(Edge(source, self._event, target))

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._raised = error
            raise


@functools.lru_cache(maxsize=64)
def machine_class(lifecycle: Lifecycle) -> type[Any]:
    """Return the ``StateMachine`` subclass of a lifecycle, made once.

    States and events get generated identifiers, their names are values: a name that is no
    Python identifier, or that would shadow a method of the library, does no harm.
    """
    states = {
        name: statemachine.State(
            name=name, value=name, initial=name == lifecycle.initial, final=name in lifecycle.finals
        )
        for name in lifecycle.states
    }
    namespace: dict[str, Any] = {
        "__init__": _machine_init,
        "_edge_is_allowed": _edge_is_allowed,
        "on_enter_state": _on_enter_state,
        "validate_trap_states": False,
        "validate_final_reachability": False,
    }
    for index, name in enumerate(lifecycle.states):
        namespace[f"state_{index}"] = states[name]
    for event in lifecycle.events:
        arrows = [
            states[edge.source].to(states[edge.target], cond="_edge_is_allowed")
            for edge in lifecycle.edges
            if edge.event == event
        ]
        namespace[_event_id(lifecycle, event)] = functools.reduce(lambda a, b: a | b, arrows)
    metaclass: Any = type(statemachine.StateMachine)
    with warnings.catch_warnings():
        # 2.5 and 2.6 warn of states without a path to a final state; a lifecycle may have those.
        warnings.filterwarnings("ignore", message=".*final state", category=UserWarning)
        made: type[Any] = metaclass("LifecycleMachine", (statemachine.StateMachine,), namespace)
    _assert_errors_propagate(made)
    return made


def _machine_init(self: Any, adapter: StateMachineAdapter, start_value: str) -> None:
    self._adapter = adapter
    statemachine.StateMachine.__init__(self, start_value=start_value)


async def _edge_is_allowed(self: Any, source: Any, target: Any) -> bool:
    allowed: bool = await self._adapter._guard(source.value, target.value)
    return allowed


async def _on_enter_state(self: Any, source: Any = None, target: Any = None) -> None:
    if source is None or source.value is None:
        return  # initial activation: no transition was asked for, so nothing is written
    await self._adapter._on_enter(source.value, target.value)


def _assert_errors_propagate(made: type[Any]) -> None:
    swallows = getattr(made, "catch_errors_as_events", False)
    tolerates = getattr(made, "allow_event_without_transition", False)
    if swallows is not False or tolerates is not False:
        raise MachineContractError(
            f"python-statemachine {_version()}: StateMachine swallows the errors of callbacks or "
            "ignores refused events, as StateChart does; a failed write would look like success."
        )


def _event_id(lifecycle: Lifecycle, event: str) -> str:
    return f"event_{lifecycle.events.index(event)}"


def _version() -> str:
    return str(statemachine.__version__)
