"""Both machines, without a database: the protocol, and the traps of the library behind one."""

from __future__ import annotations

import asyncio
import gc
import importlib
import weakref
from typing import Any

import pytest

from fsmcore import (
    FILE_LIFECYCLE,
    Edge,
    FileStateMachineProtocol,
    GuardRejectedError,
    MachineContractError,
    MachineFactory,
    StateMachineAdapter,
    TransitionNotAllowedError,
    UnknownEventError,
)
from fsmcore.adapters.statemachine import machine_class

statemachine: Any = importlib.import_module("statemachine")
"""Asked what it does, and by name, because only the adapter may import it."""
TransitionNotAllowed = statemachine.exceptions.TransitionNotAllowed
EDGE = Edge("untracked", "start_upload", "uploading")


class Caller:
    """Counts what a machine asks and enters."""

    def __init__(self, *, allow: bool = True, error: BaseException | None = None) -> None:
        self.allow = allow
        self.error = error
        self.asked: list[Edge] = []
        self.entered: list[Edge] = []

    async def ask_guard(self, edge: Edge) -> bool:
        await asyncio.sleep(0)
        self.asked.append(edge)
        return self.allow

    async def enter(self, edge: Edge) -> None:
        await asyncio.sleep(0)
        self.entered.append(edge)
        if self.error is not None:
            raise self.error

    def build(self, machine: MachineFactory, state: str = "untracked") -> FileStateMachineProtocol:
        """Build a machine that calls this caller."""
        return machine(
            FILE_LIFECYCLE,
            file_path="a.txt",
            state=state,
            ask_guard=self.ask_guard,
            enter=self.enter,
        )


async def test_a_machine_knows_its_state_before_it_is_activated(machine: MachineFactory) -> None:
    """The state is the one it was built with, in any state, before and after activation."""
    for state in FILE_LIFECYCLE.states:
        made = Caller().build(machine, state)
        assert state == made.current_state
        await made.activate()
        assert state == made.current_state


async def test_activation_is_silent(machine: MachineFactory) -> None:
    """Entering the first state is no transition: nothing is asked and nothing entered."""
    caller = Caller()
    await caller.build(machine).activate()
    assert ([], []) == (caller.asked, caller.entered)


async def test_a_transition_asks_once_and_enters_once(machine: MachineFactory) -> None:
    """The guard hears the edge, then the entry, each once and awaited."""
    caller = Caller()
    made = caller.build(machine)
    await made.activate()
    await made.trigger("start_upload")
    assert ([EDGE], [EDGE]) == (caller.asked, caller.entered)
    assert "uploading" == made.current_state


async def test_a_guard_that_says_no_is_told_apart_from_a_missing_edge(
    machine: MachineFactory,
) -> None:
    """Both leave the machine where it was; they are different errors, as in the store."""
    caller = Caller(allow=False)
    made = caller.build(machine)
    await made.activate()
    with pytest.raises(GuardRejectedError):
        await made.trigger("start_upload")
    with pytest.raises(TransitionNotAllowedError):
        await made.trigger("complete_upload")
    with pytest.raises(UnknownEventError):
        await made.trigger("nonsense")
    assert ([EDGE], []) == (caller.asked, caller.entered)
    assert "untracked" == made.current_state


async def test_a_final_state_allows_nothing(machine: MachineFactory) -> None:
    """From 3.0 the library raises for a finished machine before any await; all the same here."""
    made = Caller().build(machine, "indexed")
    await made.activate()
    with pytest.raises(TransitionNotAllowedError, match="the state is final") as caught:
        await made.trigger("start_upload")
    assert () == caught.value.allowed


@pytest.mark.parametrize(
    "error",
    [
        ValueError("own"),
        TransitionNotAllowedError("b.txt", "go", "here"),
        GuardRejectedError("b.txt", "go", "here"),
        asyncio.CancelledError("own"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_error_of_an_entry_reaches_the_sender(
    machine: MachineFactory, error: BaseException
) -> None:
    """Whatever the write raises comes out of trigger() unchanged."""
    made = Caller(error=error).build(machine)
    await made.activate()
    with pytest.raises(type(error)) as caught:
        await made.trigger("start_upload")
    assert error is caught.value or isinstance(error, asyncio.CancelledError)


async def test_the_library_error_of_a_callbacks_own_machine_is_not_translated(
    machine: MachineFactory,
) -> None:
    """A callback may drive a python-statemachine machine of its own, and that may refuse."""

    class Own(statemachine.StateMachine):  # type: ignore[misc]
        a = statemachine.State(initial=True)
        b = statemachine.State(final=True)
        go = a.to(b)

        async def on_go(self) -> None:
            """Make the machine an async one."""

    own: Any = Own()
    await own.activate_initial_state()
    await own.send("go")
    with pytest.raises(TransitionNotAllowed) as caught_own:
        await own.send("go")
    its_own = caught_own.value
    made = Caller(error=its_own).build(machine)
    await made.activate()
    with pytest.raises(TransitionNotAllowed) as caught:
        await made.trigger("start_upload")
    assert its_own is caught.value


async def test_a_machine_is_dropped_after_its_transition(machine: MachineFactory) -> None:
    """Nothing keeps a used machine: not a class, not a registry, not its caller."""
    caller = Caller()
    made: Any = caller.build(machine)
    await made.activate()
    await made.trigger("start_upload")
    inner = getattr(made, "_machine", None)
    watched = [weakref.ref(thing) for thing in (inner,) if thing is not None]
    del made, inner
    await asyncio.sleep(0)  # the loop drops what woke this task
    gc.collect()
    assert [] == [found for found in watched if found() is not None]


def test_the_class_of_a_lifecycle_is_made_once() -> None:
    """An equal lifecycle gets the same class: making one costs more than a transition."""
    assert machine_class(FILE_LIFECYCLE) is machine_class(FILE_LIFECYCLE)
    assert issubclass(machine_class(FILE_LIFECYCLE), statemachine.StateMachine)


@pytest.mark.parametrize("flag", ["catch_errors_as_events", "allow_event_without_transition"])
def test_a_machine_that_swallows_errors_is_refused(
    monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    """Were StateMachine to behave like StateChart, a failed write would look like success."""
    monkeypatch.setattr(statemachine.StateMachine, flag, True, raising=False)
    machine_class.cache_clear()
    try:
        with pytest.raises(MachineContractError) as caught:
            machine_class(FILE_LIFECYCLE)
    finally:
        machine_class.cache_clear()
    assert str(caught.value) == (
        f"python-statemachine {statemachine.__version__}: StateMachine swallows the errors of "
        "callbacks or ignores refused events, as StateChart does; a failed write would look like "
        "success."
    )


async def test_a_library_that_cannot_be_activated_from_a_coroutine_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a release that is too old for callbacks that are coroutines."""
    monkeypatch.setattr(statemachine.StateMachine, "activate_initial_state", None)
    with pytest.raises(MachineContractError) as caught:
        await Caller().build(StateMachineAdapter).activate()
    assert str(caught.value) == (
        f"python-statemachine {statemachine.__version__} cannot be activated from a coroutine: "
        "use python-statemachine 2.3 or later, where async callbacks are awaited."
    )
