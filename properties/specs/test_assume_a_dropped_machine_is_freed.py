"""We assume: a machine that nobody refers to is freed, by the garbage collector at the latest.

The core builds one for each transition. A registry that remembers instances would keep them all.
"""

import gc

from statemachine import State, StateMachine

from properties.rules.turns import activated, run_in_turns, settled

LEANS_ON = "fsmcore/transitions.py: FileTransitionManager._one_try"

MACHINE_COUNT = 50


def test_fifty_machines() -> None:
    """Build, drive, drop; fifty more leave no more objects than fifty did."""

    class Door(StateMachine):
        closed = State(initial=True, value="closed")
        opened = State(final=True, value="opened")
        open_it = closed.to(opened)

        async def on_open_it(self) -> None:
            pass

    async def use() -> int:
        for _ in range(MACHINE_COUNT):
            await settled((await activated(Door())).send("open_it"))
        gc.collect()
        return len(gc.get_objects())

    async def grown() -> int:
        await use()
        before = await use()
        return await use() - before

    found = run_in_turns(grown, turn_count=20_000)
    assert found < MACHINE_COUNT, f"{found} objects stay of {MACHINE_COUNT} machines"
