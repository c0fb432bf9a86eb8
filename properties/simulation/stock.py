"""The same scenario on asyncio's own loop, with real threads: what the simulation must contain."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from properties.simulation.scenario import Outcome, Scenario, Setting, answer_of


def run_on_stock_asyncio(scenario: Scenario, path: str, delays_s: Sequence[float] = ()) -> Outcome:
    """Run a scenario once on asyncio's own loop with real threads, from fresh rows.

    ``delays_s`` holds back the attempts' beginnings.
    """
    setting = Setting(path=path)

    async def begin(index: int, work: Callable[[], Coroutine[Any, Any, object]]) -> str:
        if index < len(delays_s):
            await asyncio.sleep(delays_s[index])
        return await answer_of(setting, work)

    async def main() -> tuple[tuple[str, str], ...]:
        subject = None if scenario.open is None else await scenario.open(setting)
        try:
            attempts = scenario.attempts(subject, setting)
            answers = await asyncio.gather(
                *(begin(index, work) for index, (_, work) in enumerate(attempts))
            )
            return tuple(
                (name, answer) for (name, _), answer in zip(attempts, answers, strict=True)
            )
        finally:
            if scenario.close is not None:
                await scenario.close(subject)

    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # As in the simulation somebody else has the file open, so that the WAL is never recovered.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        answers = asyncio.run(main())
        rows = tuple(connection.execute(scenario.observe_sql).fetchall())
        connection.executescript(f"BEGIN IMMEDIATE; {scenario.reset_sql}; COMMIT;")
    finally:
        connection.close()
    return Outcome(answers=answers, rows=rows)
