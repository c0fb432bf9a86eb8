"""Users assume: what was read of a machine's state does not change under the reader.

3.1.0 adds and removes states of a parallel chart in the very set that a reader, in another thread
perhaps, was handed; iterating over it raises then. Older releases hand out one state.
"""

from typing import Any

import statemachine
from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: a status page in another thread"


async def _plain() -> tuple[str, str]:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

        async def on_enter_state(self) -> None:
            pass

    machine: Any = await activated(Door())
    read = machine.current_state_value
    await settled(machine.send("open_it"))
    return str(read), str(machine.current_state_value)


async def _parallel(chart: Any) -> tuple[list[str], list[str]]:
    class House(chart):  # type: ignore[misc]
        class both(State.Parallel):  # type: ignore[name-defined,misc]  # noqa: N801
            class door(State.Compound):  # type: ignore[name-defined,misc]  # noqa: N801
                closed = State(initial=True)
                opened = State()
                open_it = closed.to(opened)

            class lamp(State.Compound):  # type: ignore[name-defined,misc]  # noqa: N801
                dark = State(initial=True)
                lit = State()
                light = dark.to(lit)

        async def on_enter_state(self) -> None:
            pass

    machine: Any = await activated(House())
    read = machine.current_state_value
    before = sorted(map(str, read))
    await settled(machine.send("open_it"))
    return before, sorted(map(str, read))


def test_a_state_that_was_read() -> None:
    """Of a plain machine."""
    assert ("closed", "opened") == run_in_turns(_plain)


def test_a_configuration_that_was_read() -> None:
    """Of a parallel chart, where a release has them."""
    chart = getattr(statemachine, "StateChart", None)
    if chart is not None:
        before, after = run_in_turns(lambda: _parallel(chart))
        assert before == after
