"""python-statemachine with one thing broken, by its public face where that is possible."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import Callable
from typing import Any

import pytest
import statemachine
from statemachine import callbacks
from statemachine.exceptions import InvalidDefinition, TransitionNotAllowed

from properties.rules.turns import settled

_kept: list[object] = []


def _sends(monkeypatch: pytest.MonkeyPatch, make: Callable[..., Any]) -> None:
    whole = statemachine.StateMachine.send

    def send(self: Any, event: str, *arguments: Any, **options: Any) -> Any:
        return make(self, lambda: settled(whole(self, event, *arguments, **options)))

    monkeypatch.setattr(statemachine.StateMachine, "send", send)


def swallows_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell a sender whose callback was cancelled that all is well."""

    async def swallow(_machine: Any, work: Any) -> Any:
        with contextlib.suppress(BaseException):
            return await work()

    _sends(monkeypatch, swallow)


def drops_a_chained_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what is sent while an event is under way."""
    busy: set[int] = set()

    async def drop(machine: Any, work: Any) -> Any:
        if id(machine) in busy:
            return None
        busy.add(id(machine))
        try:
            return await work()
        finally:
            busy.discard(id(machine))

    _sends(monkeypatch, drop)


def waits_for_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until the wall clock is not before where it was."""

    async def wait(_machine: Any, work: Any) -> Any:
        began_s = time.time()
        result = await work()
        while time.time() < began_s:
            await asyncio.sleep(0)
        return result

    _sends(monkeypatch, wait)


def is_done_for_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no event after one that raised."""
    dead: set[int] = set()

    async def refuse(machine: Any, work: Any) -> Any:
        if id(machine) in dead:
            return None
        try:
            return await work()
        except Exception:
            dead.add(id(machine))
            raise

    _sends(monkeypatch, refuse)


def returns_none_for_a_refused_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as StateChart does."""

    async def ignore(_machine: Any, work: Any) -> Any:
        with contextlib.suppress(TransitionNotAllowed):
            return await work()

    _sends(monkeypatch, ignore)


def wraps_what_a_callback_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise an error of its own instead."""

    async def wrap(_machine: Any, work: Any) -> Any:
        try:
            return await work()
        except RuntimeError as error:
            raise RuntimeError("a callback failed") from error

    _sends(monkeypatch, wrap)


def keeps_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold on to each of them, until ``forget``."""
    whole = statemachine.StateMachine.__init__

    def made(self: Any, *arguments: Any, **options: Any) -> None:
        _kept.append(self)
        whole(self, *arguments, **options)

    monkeypatch.setattr(statemachine.StateMachine, "__init__", made)


def forget() -> None:
    """Let them go."""
    _kept.clear()


def shares_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the state of all machines in one place."""
    whole = statemachine.StateMachine.__init__

    class Model:
        state = None

    model = Model()

    def made(self: Any, *arguments: Any, **options: Any) -> None:
        whole(self, *arguments, **{"model": model, **options})

    monkeypatch.setattr(statemachine.StateMachine, "__init__", made)


def defines_no_trap_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a class with a state that nothing leaves, whatever its flags say."""
    kind = type(statemachine.StateMachine)
    whole: Any = kind.__init__

    def defined(cls: Any, name: str, bases: Any, attributes: Any, **options: Any) -> None:
        whole(cls, name, bases, attributes, **options)
        if any(not state.final and not state.transitions for state in cls.states):
            raise InvalidDefinition("a state has no way out")

    monkeypatch.setattr(kind, "__init__", defined)


def finds_a_callback_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a callback again by each of its names, as 2.1.1 did."""
    whole: Any = callbacks.CallbacksExecutor.add

    def add(self: Any, key: str, *arguments: Any, **options: Any) -> None:
        whole(self, key, *arguments, **options)
        whole(self, f"{key} again", *arguments, **options)

    monkeypatch.setattr(callbacks.CallbacksExecutor, "add", add)


def takes_a_coroutine_for_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask whether a guard's coroutine is true, as 2.2.0 did."""

    async def async_all(self: Any, *arguments: Any, **options: Any) -> bool:
        for condition in self:
            asked = condition(*arguments, **options)
            if inspect.iscoroutine(asked):
                asked.close()
        return True

    monkeypatch.setattr(callbacks.CallbacksExecutor, "async_all", async_all)


def enters_from_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the initial activation the state itself as its source."""
    whole: Any = callbacks.CallbacksExecutor.async_call

    async def async_call(self: Any, *arguments: Any, **options: Any) -> Any:
        source = options.get("source")
        if source is not None and source.value is None:
            options["source"] = options["target"]
        return await whole(self, *arguments, **options)

    monkeypatch.setattr(callbacks.CallbacksExecutor, "async_call", async_call)
