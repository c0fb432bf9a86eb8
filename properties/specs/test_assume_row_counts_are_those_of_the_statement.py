"""We assume: a cursor's row count says how many rows its own UPDATE or INSERT met.

The compare-and-set is decided by it. A count left over from an earlier statement, or -1, would
make a stale writer win or every writer lose.
"""

import asyncio

import aiosqlite

LEANS_ON = "fsmcore/connections/work.py: Transaction.write"

SCRIPT = (
    ("INSERT INTO t VALUES (1, 0)", 1),
    ("UPDATE t SET version = 1 WHERE id = 1 AND version = 0", 1),
    ("UPDATE t SET version = 1 WHERE id = 1 AND version = 0", 0),
    ("INSERT INTO t VALUES (2, 0), (3, 0)", 2),
    ("UPDATE t SET version = version", 3),
    ("INSERT INTO ignoring VALUES (1)", 0),
    ("DELETE FROM t WHERE id = 4", 0),
)


async def _counts() -> list[int]:
    async with aiosqlite.connect(":memory:", isolation_level=None) as db:
        await db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER)")
        await db.execute("CREATE TABLE ignoring (id INTEGER)")
        await db.execute(
            "CREATE TRIGGER quiet BEFORE INSERT ON ignoring BEGIN SELECT RAISE(IGNORE); END"
        )
        await db.execute("BEGIN IMMEDIATE")
        return [(await db.execute(statement)).rowcount for statement, _ in SCRIPT]


def test_one_script() -> None:
    """Rows met, missed, and ignored by a trigger."""
    assert [count for _, count in SCRIPT] == asyncio.run(_counts())
