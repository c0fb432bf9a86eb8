"""We assume: a callback that is found in two ways is called once.

2.1.1 calls an `on_EVENT` method twice when it is decorated for the event as well. Our own hook
bears a generic name, and a second call would write twice.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "fsmcore/adapters/statemachine.py: _on_enter_state"


async def _calls() -> list[str]:
    seen: list[str] = []

    class Door(StateMachine):
        closed = State(initial=True, value="closed", exit="on_exit_closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened, on="on_open_it")

        @open_it.before  # type: ignore[untyped-decorator]
        def before_open_it(self) -> None:
            seen.append("before")

        def on_open_it(self) -> None:
            seen.append("on")

        def on_exit_closed(self) -> None:
            seen.append("exit")

        @opened.enter  # type: ignore[untyped-decorator]
        def on_enter_opened(self) -> None:
            seen.append("enter")

    machine: Any = await activated(Door())
    await settled(machine.send("open_it"))
    return seen


def test_by_name_and_by_decorator() -> None:
    """Each of four callbacks is found by its name and by what it was given to."""
    assert ["before", "exit", "on", "enter"] == run_in_turns(_calls)
