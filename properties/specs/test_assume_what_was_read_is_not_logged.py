"""Users assume: the rows that a statement reads are not written into a log.

They may be large, and they may be secret. Up to 0.16.0 the library logs each result at DEBUG. What
is given as a parameter is logged by every release, so the core's keys are. The core reads few rows.
"""

import asyncio
import logging

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: logging at DEBUG with rows that nobody may see"

SECRET = "secret"


class _Texts(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=0)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


async def _read() -> int:
    async with aiosqlite.connect(":memory:") as db:
        # Put together inside SQLite, so that no statement and no parameter holds it.
        return len(list(await db.execute_fetchall("SELECT 'sec' || 'ret'")))


def test_a_row_that_was_read() -> None:
    """At the lowest level of logging."""
    kept, logger = _Texts(), logging.getLogger("aiosqlite")
    level, passes_on = logger.level, logger.propagate
    logger.addHandler(kept)
    logger.setLevel(1)
    logger.propagate = False
    try:
        assert 1 == asyncio.run(_read())
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
        logger.propagate = passes_on
    assert [] == [text for text in kept.texts if SECRET in text]
