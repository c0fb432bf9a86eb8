"""The trap of CPython 3.11 and later that a cancellation springs, and that the search must find.

``Connection.close()`` with an unfinished cursor leaves a zombie that keeps the write lock until
the cursor dies; an exception that somebody keeps holds the cursor by its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import aiosqlite
import pytest

from properties.simulation.budget import Budget
from properties.simulation.explore import explore
from properties.simulation.scenario import Attempt, Scenario, Setting
from properties.simulation.scenarios.counter import (
    ADD_ONE,
    COUNTER_OBSERVE_SQL,
    COUNTER_RESET_SQL,
    COUNTER_SQL,
    to_its_end,
)
from properties.simulation.scenarios.laws import all_of, every_ok_counts, nothing_is_left_behind

TWO_ROWS = "SELECT value FROM counter UNION ALL SELECT 1"


async def _add_one(path: str, kept: list[BaseException], *, rolls_back: bool) -> str:
    connecting = aiosqlite.connect(path, isolation_level=None, timeout=0)
    db = await connecting
    try:
        await db.execute("BEGIN IMMEDIATE")
        cursor = await db.execute(TWO_ROWS)
        await cursor.fetchone()
        await cursor.close()
        await db.execute(ADD_ONE)
        await db.execute("COMMIT")
    except BaseException as error:
        kept.append(error)
        raise
    finally:
        await to_its_end(_close(db, rolls_back=rolls_back))
    return "ok"


async def _close(db: aiosqlite.Connection, *, rolls_back: bool) -> None:
    if rolls_back:
        await db.rollback()
    await db.close()


def _scenario(*, rolls_back: bool) -> Scenario:
    kept: list[BaseException] = []

    def attempts(_subject: object, setting: Setting) -> Sequence[Attempt]:
        kept.clear()
        return [("a", partial(_add_one, setting.path, kept, rolls_back=rolls_back))]

    return Scenario(
        name=f"unfinished read, {'rolls back' if rolls_back else 'just closes'}",
        sentence="A transaction cut off in the middle of reading.",
        create_sql=COUNTER_SQL,
        reset_sql=f"{COUNTER_RESET_SQL}",
        observe_sql=COUNTER_OBSERVE_SQL,
        attempts=attempts,
        law=all_of(every_ok_counts, nothing_is_left_behind),
        budget=Budget(cancellations=1),
    )


@pytest.mark.parametrize("rolls_back", [False, True])
def test_a_close_without_a_rollback_keeps_the_write_lock(rolls_back: bool) -> None:
    """One cancellation anywhere shows the zombie, and shows none where a rollback comes first."""
    subject = _scenario(rolls_back=rolls_back)
    found = explore(subject, until_violation=not rolls_back)
    locked = [what for what in found.violations.values() if "write lock is held" in what]
    if rolls_back:
        assert found.is_complete
        assert [] == locked
    else:
        assert locked
