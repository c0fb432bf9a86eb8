"""Callers who lose patience: every fourth attempt is cancelled somewhere on its way.

When, is drawn over the time that an attempt took lately, so that cancellations strike everywhere:
in the queue, in the connect, between BEGIN and COMMIT and after. A cancelled caller knows nothing;
afterwards the journal says what became of each, and all answers together must be possible.
"""

from __future__ import annotations

import asyncio
import random

from benchmarks.closed_loop import ClosedLoop
from benchmarks.ledger import Moved
from benchmarks.subjects import Subject

CANCELLED_OF = 4
FIRST_GUESS_S = 0.002


class ImpatientLoop(ClosedLoop):
    """A closed loop in which every fourth attempt is cut off."""

    _draw = random.Random(0)
    _lately_s = FIRST_GUESS_S

    async def attempt(self, caller: str, ticket: int) -> Moved | None:
        """Make one attempt, and cut it off when its turn has come."""
        if ticket % CANCELLED_OF:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            moved = await super().attempt(caller, ticket)
            self._lately_s = 0.9 * self._lately_s + 0.1 * (loop.time() - began_s)
            return moved
        task = asyncio.ensure_future(super().attempt(caller, ticket))
        delay_s = self._draw.random() * self._lately_s
        timer = asyncio.get_running_loop().call_later(delay_s, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            return None
        finally:
            timer.cancel()


def cancellations(
    subject: Subject, *, task_count: int, transitions_per_round: int
) -> ImpatientLoop:
    """Return it, on a few files."""
    return ImpatientLoop(
        subject,
        transitions_per_round=transitions_per_round,
        task_count=task_count,
        file_count=4,
        may_give_up=True,
    )
