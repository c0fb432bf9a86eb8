"""Users assume: two listeners of one class are both told, in the order they were added.

One writes a log, one counts. 2.0 tells the first one only, because their methods bear one name.
The core has no listeners.
"""

from typing import Any

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "users of python-statemachine beside the core: add_listener(log, metrics)"


class Listener:
    """Notes what it was told."""

    def __init__(self, name: str, seen: list[str]) -> None:
        """Write into ``seen`` under ``name``."""
        self.name, self.seen = name, seen

    def on_enter_opened(self) -> None:
        """As a state's callback."""
        self.seen.append(f"{self.name}: entered")

    def after_transition(self) -> None:
        """As a callback of every transition."""
        self.seen.append(f"{self.name}: after")


async def _told() -> list[str]:
    seen: list[str] = []

    class Door(StateMachine):
        closed = State("Closed", initial=True, value="closed")
        opened = State("Opened", final=True, value="opened")
        open_it = closed.to(opened)

    machine: Any = await activated(Door())
    add = getattr(machine, "add_listener", None) or machine.add_observer
    add(Listener("log", seen), Listener("metrics", seen))
    await settled(machine.send("open_it"))
    return seen


def test_two_of_one_class() -> None:
    """Each of the two, for each of its two methods."""
    expected = ["log: entered", "metrics: entered", "log: after", "metrics: after"]
    assert expected == run_in_turns(_told)
