"""Users assume: each row of a cursor is read once and in order, however it is read.

From 0.16 on `async for` fetches 64 rows ahead: who breaks out of it and reads on has lost up to 63
rows, without an error. The core fetches to the end in one call.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import aiosqlite
from hypothesis import strategies as st

LEANS_ON = "users of aiosqlite beside the core: a break in `async for`, and fetchone() after it"

ROW_COUNT = 200
ROWS = """
WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 199) SELECT x FROM n
"""
READS = st.lists(st.sampled_from(["one", "many", "iterate"]), min_size=1, max_size=6)


async def _read(how: list[str]) -> list[int]:
    seen: list[int] = []
    async with aiosqlite.connect(":memory:") as db:
        async with db.execute(ROWS) as cursor:
            for each in [*how, "all"]:
                if each == "one":
                    seen += [row[0] for row in [await cursor.fetchone()] if row is not None]
                elif each == "many":
                    seen += [row[0] for row in await cursor.fetchmany(3)]
                elif each == "all":
                    seen += [row[0] for row in await cursor.fetchall()]
                else:
                    async for row in cursor:
                        seen.append(row[0])
                        if len(seen) % 5 == 0:
                            break
    return seen


def test_in_every_mixture(drawn: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """Of one, some, an iteration that is left, and at last all the others."""

    def holds(how: list[str]) -> None:
        seen = asyncio.run(_read(how))
        lost = sorted(set(range(ROW_COUNT)) - set(seen))
        assert list(range(ROW_COUNT)) == seen, f"{how}: {len(lost)} rows are lost, {lost[:3]} first"

    holds(["iterate", "one"])
    drawn(READS, holds)
