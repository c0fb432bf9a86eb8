"""Users assume: an error that its caller gets is not logged as one, or as information.

A refused statement is daily business: BUSY at each race. Up to 0.15 each is logged as an error, at
0.16.0 still as information, with its traceback. The core retries on BUSY.
"""

import asyncio
import logging
import sqlite3

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: alerts on log records of level ERROR"


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=0)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


async def _fail_once() -> str:
    async with aiosqlite.connect(":memory:") as db:
        try:
            await db.execute("SELECT x FROM nosuch")
        except sqlite3.OperationalError:
            return "told"
    return "not told"


def test_the_highest_level() -> None:
    """Of all that was logged while a statement failed."""
    kept, logger = _Kept(), logging.getLogger("aiosqlite")
    level, passes_on = logger.level, logger.propagate
    logger.addHandler(kept)
    logger.setLevel(1)
    logger.propagate = False
    try:
        assert "told" == asyncio.run(_fail_once())
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
        logger.propagate = passes_on
    highest = max((record.levelno for record in kept.records), default=0)
    assert highest <= logging.DEBUG, f"logged as {logging.getLevelName(highest)}"
