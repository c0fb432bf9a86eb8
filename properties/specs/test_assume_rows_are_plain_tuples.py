"""We assume: without a row factory a row is a tuple, and all of them are fetched at once.

Columns are taken by their place, and nothing may stay open after a read.
"""

import asyncio
from typing import Any

import aiosqlite

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.read"

ROW_COUNT = 1000
NUMBERS = (
    "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n LIMIT 1000) "
    "SELECT x, 'text', NULL, 1.5, x'00' FROM n"
)


async def _rows() -> list[Any]:
    async with aiosqlite.connect(":memory:", isolation_level=None) as db:
        return list(await db.execute_fetchall(NUMBERS))


def test_a_thousand_rows() -> None:
    """Of every type that SQLite has."""
    rows = asyncio.run(_rows())
    assert {tuple} == {type(row) for row in rows}
    assert [(x, "text", None, 1.5, b"\0") for x in range(ROW_COUNT)] == rows
