"""python-statemachine, asked without a database: every callback, in its order, with all it gets.

Each scene builds its own machine and writes down whatever happens; none expects anything. The
loop's clock counts turns, so that "waits for ever" is a number and not a wait.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from statemachine import State, StateMachine

from properties.behaviour.notebook import Notebook
from properties.rules.turns import WaitsForEverError, run_in_turns, settled
from reports.schema import Scene

LIBRARY = "python-statemachine"
_BY_NAME = ("event", "source", "target", "state")
"""What callbacks of ours take by name; of anything else that is on offer only the name is noted."""

Play = Callable[[Notebook], Awaitable[None]]


def _noting(notebook: Notebook, name: str, answer: object = None) -> Callable[..., Awaitable[Any]]:
    """Return a callback that writes down what it is given."""

    async def callback(_machine: Any, *arguments: Any, **offered: Any) -> Any:
        fields: dict[str, object] = {
            f"gets {each}": _short(offered[each]) for each in _BY_NAME if each in offered
        }
        fields["is offered"] = ", ".join(sorted(offered))
        if arguments:
            fields["gets arguments"] = arguments
        notebook.see(name, fields)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return callback


def _short(value: Any) -> str:
    """Return a state by its value, anything else by its text: reprs of states are long."""
    if isinstance(value, State):
        return "a state without a value" if value.value is None else f"state {value.value}"
    return str(value) if value is not None else "None"


def _door(notebook: Notebook, start: str = "closed", **answers: object) -> Any:
    """Return a machine with a callback at every hook; ``answers`` are what hooks return."""

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        ajar = State(value="ajar")
        opened = State(final=True, value="opened")
        unlatch = closed.to(ajar, cond="may_unlatch")
        push = ajar.to(opened)

        may_unlatch = _noting(notebook, "guard", answers.get("guard", True))
        before_transition = _noting(notebook, "before_transition")
        on_exit_state = _noting(notebook, "on_exit_state")
        on_unlatch = _noting(notebook, "on_EVENT", answers.get("on_EVENT"))
        on_transition = _noting(notebook, "on_transition")
        on_enter_state = _noting(notebook, "on_enter_state", answers.get("on_enter_state"))
        after_transition = _noting(notebook, "after_transition")

    return notebook.call("the constructor", lambda: Door(start_value=start)) or Door()


def _look(notebook: Notebook, machine: Any) -> None:
    """Write down what a machine says of itself."""
    for name in ("current_state_value", "allowed_events"):

        def read(name: str = name) -> object:
            found = getattr(machine, name)
            return [str(each) for each in found] if isinstance(found, (list, tuple)) else found

        notebook.call(name, read)


async def _active(notebook: Notebook, start: str = "closed", **answers: object) -> Any:
    """Return an activated machine; what happened until then is not part of the scene."""
    quiet = Notebook()
    machine = _door(quiet, start, **answers)
    await settled(getattr(machine, "activate_initial_state", lambda: None)())
    quiet.observations = notebook.observations
    return machine


async def _activation(notebook: Notebook) -> None:
    machine = _door(notebook)
    _look(notebook, machine)
    await notebook.ask("activate_initial_state", lambda: machine.activate_initial_state())
    _look(notebook, machine)


async def _allowed(notebook: Notebook) -> None:
    machine = await _active(notebook)
    await notebook.ask("send", lambda: machine.send("unlatch", "an argument", word="a word"))
    _look(notebook, machine)


async def _refused(notebook: Notebook) -> None:
    machine = await _active(notebook)
    await notebook.ask("send", lambda: machine.send("push"))
    _look(notebook, machine)


async def _unknown(notebook: Notebook) -> None:
    machine = await _active(notebook)
    await notebook.ask("send", lambda: machine.send("explode"))


async def _guarded(notebook: Notebook) -> None:
    machine = await _active(notebook, guard=False)
    await notebook.ask("send", lambda: machine.send("unlatch"))
    _look(notebook, machine)


async def _guard_fails(notebook: Notebook) -> None:
    machine = await _active(notebook, guard=ValueError("no guard"))
    await notebook.ask("send", lambda: machine.send("unlatch"))
    _look(notebook, machine)


async def _action_fails(notebook: Notebook) -> None:
    machine = await _active(notebook, on_EVENT=ValueError("no action"))
    await notebook.ask("send", lambda: machine.send("unlatch"))
    _look(notebook, machine)


async def _results(notebook: Notebook) -> None:
    machine = await _active(notebook, on_EVENT="a result")
    await notebook.ask("send", lambda: machine.send("unlatch"))


async def _finished(notebook: Notebook) -> None:
    machine = await _active(notebook, "opened")
    await notebook.ask("send", lambda: machine.send("push"))
    _look(notebook, machine)


async def _nowhere(notebook: Notebook) -> None:
    machine = notebook.call(
        "the constructor", lambda: type(_door(Notebook()))(start_value="cellar")
    )
    if machine is not None:
        await notebook.ask("activate_initial_state", machine.activate_initial_state)
        _look(notebook, machine)


async def _options(notebook: Notebook) -> None:
    door = type(_door(Notebook()))
    notebook.call("the constructor with an unknown option", lambda: door(no_such_option=True) and 1)
    notebook.call("the constructor with rtc", lambda: door(rtc=True) and 1)


async def _classes(notebook: Notebook) -> None:
    def trapped() -> object:
        class Trap(StateMachine):
            closed = State(initial=True, value="closed")
            stuck = State(value="stuck")
            opened = State(final=True, value="opened")
            push = closed.to(opened)
            jam = closed.to(stuck)

        return Trap.__name__

    def documented() -> object:
        class Documented(StateMachine):
            """A machine with a docstring."""

            closed = State(initial=True, value="closed")
            opened = State(final=True, value="opened")
            push = closed.to(opened)

        return Documented.__name__

    def lonely() -> object:
        class Lonely(StateMachine):
            closed = State(initial=True, value="closed")
            apart = State(value="apart")
            push = closed.to(closed)

        return Lonely.__name__

    notebook.call("a class with a state that nothing leaves", trapped)
    notebook.call("a class with a docstring", documented)
    notebook.call("a class with a state that nothing reaches", lonely)


def _meeting(notebook: Notebook) -> Any:
    """Return a machine whose action waits until it is let go, and the event that lets it."""
    gate = asyncio.Event()

    class Meeting(StateMachine):
        apart = State(initial=True, value="apart")
        near = State(value="near")
        together = State(final=True, value="together")
        step = apart.to(near) | near.to(together)

        async def on_step(self, name: str = "") -> str:
            notebook.see("on_EVENT begins", actor=name)
            await gate.wait()
            notebook.see("on_EVENT ends", actor=name)
            return name

    return Meeting(), gate


async def _two_senders(notebook: Notebook) -> None:
    machine, gate = _meeting(notebook)
    await settled(machine.activate_initial_state())

    async def send(name: str) -> None:
        await notebook.ask("send", lambda: machine.send("step", name=name), actor=name)

    tasks = [asyncio.ensure_future(send(name)) for name in ("a", "b")]
    for _ in range(20):
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    notebook.call("current_state_value", lambda: machine.current_state_value)


async def _a_cancelled_sender(notebook: Notebook) -> None:
    machine, gate = _meeting(notebook)
    await settled(machine.activate_initial_state())

    async def send(name: str) -> None:
        await notebook.ask("send", lambda: machine.send("step", name=name), actor=name)

    first, second = (asyncio.ensure_future(send(name)) for name in ("a", "b"))
    for _ in range(20):
        await asyncio.sleep(0)
    first.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, second, return_exceptions=True)
    notebook.call("current_state_value", lambda: machine.current_state_value)


async def _chained(notebook: Notebook) -> None:
    class Chain(StateMachine):
        one = State(initial=True, value="one")
        two = State(value="two")
        three = State(final=True, value="three")
        first = one.to(two)
        second = two.to(three)

        async def on_first(self) -> str:
            notebook.see("on_EVENT begins", {"gets event": "first"})
            await notebook.ask("send inside a callback", lambda: self.send("second"))
            notebook.see("on_EVENT ends", {"gets event": "first"})
            return "first"

        async def on_second(self) -> str:
            notebook.see("on_EVENT begins", {"gets event": "second"})
            return "second"

    machine: Any = Chain()
    await settled(machine.activate_initial_state())
    await notebook.ask("send", lambda: machine.send("first"))
    notebook.call("current_state_value", lambda: machine.current_state_value)


async def _expression(notebook: Notebook) -> None:
    for text in ("not shut", "shut and shut", "shut or shut"):

        def make(text: str = text) -> Any:
            class Guarded(StateMachine):
                closed = State(initial=True, value="closed")
                opened = State(final=True, value="opened")
                push = closed.to(opened, cond=text)

                async def shut(self) -> bool:
                    notebook.see(f"the guard of {text!r}")
                    return False

                async def on_enter_state(self) -> None:
                    pass

            return Guarded()

        async def sent(make: Callable[[], Any] = make) -> str:
            machine = make()
            await settled(machine.activate_initial_state())
            await settled(machine.send("push"))
            return str(machine.current_state_value)

        await notebook.ask(f"an async guard in {text!r}", sent)


async def _memory(notebook: Notebook) -> None:
    await _active(notebook)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        machine = await _active(Notebook())
        notebook.counts["objects of one machine"] = len(gc.get_objects()) - before
        del machine
    finally:
        gc.enable()


class _Plain(StateMachine):
    closed = State(initial=True, value="closed")
    opened = State(final=True, value="opened")
    push = closed.to(opened)

    async def on_enter_state(self) -> None:
        pass


async def plain_machine() -> None:
    """Build the smallest async machine, activate it, take its one event, drop it."""
    machine: Any = _Plain()
    await settled(machine.activate_initial_state())
    await settled(machine.send("push"))


SCENES: tuple[tuple[str, str, Play], ...] = (
    ("activation", "on activation", _activation),
    ("an_allowed_event", "on an event that has an edge", _allowed),
    ("a_refused_event", "on an event without an edge", _refused),
    ("an_unknown_event", "on an event that no state knows", _unknown),
    ("a_guard_says_no", "where a guard says no", _guarded),
    ("a_guard_fails", "where a guard raises", _guard_fails),
    ("an_action_fails", "where a callback raises", _action_fails),
    ("an_action_returns", "where a callback returns something", _results),
    ("a_finished_machine", "on a finished machine", _finished),
    ("an_unknown_start", "with an unknown start value", _nowhere),
    ("constructor_options", "with options it does not know", _options),
    ("classes", "when a class is defined", _classes),
    ("two_senders", "with two senders at once", _two_senders),
    ("a_cancelled_sender", "when a sender is cancelled while another waits", _a_cancelled_sender),
    ("a_chained_event", "with an event sent inside a callback", _chained),
    ("guard_expressions", "with async guards in expressions", _expression),
    ("memory", "in memory", _memory),
)


def scenes() -> list[Scene]:
    """Play every scene."""
    return [_played(name, when, play) for name, when, play in SCENES]


def _played(name: str, when: str, play: Play) -> Scene:
    notebook = Notebook()
    problem = None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            run_in_turns(lambda: play(notebook))
        except WaitsForEverError:
            notebook.see("somebody waits for ever")
        except Exception as error:  # noqa: BLE001 - a scene that cannot be played is told as such
            problem = f"{type(error).__name__}: {error}"
        gc.collect()
    for each in sorted({(str(w.category.__name__), str(w.message)) for w in warned}):
        notebook.see(f"the warning {each[0]}", {"says": each[1]})
    return notebook.scene(name, when, LIBRARY, problem)
