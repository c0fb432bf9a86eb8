"""Users assume: a machine does not grow with the events that it has taken.

Up to 2.3.6 an event that is sent with the event data of another one keeps that one, and so all
events before it. The core drops its machine after one event.
"""

import gc
from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: one machine for the life of a service"

EVENT_COUNT = 40


def _object_count() -> int:
    gc.collect()
    return len(gc.get_objects())


async def _grown_one_by_one() -> int:
    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(value="opened")
        toggle = closed.to(opened) | opened.to(closed)

        async def after_toggle(self) -> None:
            pass

    machine: Any = await activated(Door())

    async def use() -> int:
        for _ in range(EVENT_COUNT):
            await settled(machine.send("toggle"))
        return _object_count()

    await use()  # caches fill
    before = await use()
    return await use() - before


async def _grown_in_a_chain() -> int:
    counts: list[int] = []

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(value="opened")
        toggle = closed.to(opened) | opened.to(closed)

        async def after_toggle(self, event_data: Any) -> None:
            counts.append(_object_count() if len(counts) in (EVENT_COUNT, 2 * EVENT_COUNT) else 0)
            if len(counts) <= 2 * EVENT_COUNT:
                await settled(self.toggle(event_data=event_data))

    machine: Any = await activated(Door())
    await settled(machine.send("toggle"))
    return counts[2 * EVENT_COUNT] - counts[EVENT_COUNT]


def test_one_by_one() -> None:
    """Forty events more leave nothing more."""
    grown = run_in_turns(_grown_one_by_one, turn_count=20_000)
    assert grown < EVENT_COUNT, f"{grown} objects stay of {EVENT_COUNT} events"


def test_in_a_chain() -> None:
    """Each sent by the callback of the one before, with that one's event data."""
    grown = run_in_turns(_grown_in_a_chain, turn_count=20_000)
    assert grown < EVENT_COUNT, f"{grown} objects stay of {EVENT_COUNT} events in a chain"
