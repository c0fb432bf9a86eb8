"""aiosqlite, asked on a real file with its real thread: what calls return, raise, and cost in hops.

A hop is one `call_soon_threadsafe`: the worker handing a result to the loop. Nothing here looks at
a moment between two threads: only what an awaited call has settled is written down.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiosqlite

from properties.behaviour.notebook import Notebook
from reports.schema import Scene

LIBRARY = "aiosqlite"
LIMIT_S = 5.0

Play = Callable[[Notebook, Path], Awaitable[None]]

CREATE = "CREATE TABLE door (name TEXT PRIMARY KEY, state TEXT)"
INSERT = "INSERT INTO door VALUES (?, ?)"
SELECT = "SELECT name, state FROM door"
NOTHING = "SELECT name FROM wall"


class _Hops:
    """Counts what worker threads hand to the running loop."""

    def __init__(self) -> None:
        loop: Any = asyncio.get_running_loop()
        self._hand_over = loop.call_soon_threadsafe
        self.count = 0
        loop.call_soon_threadsafe = self._counted

    def _counted(self, *arguments: Any, **options: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            self.count += 1
        return self._hand_over(*arguments, **options)

    def since(self) -> int:
        """Return the hops since the last question."""
        count, self.count = self.count, 0
        return count


async def _transaction(notebook: Notebook, folder: Path) -> None:
    hops = _Hops()

    async def step(what: str, make: Callable[[], Any]) -> Any:
        value = await notebook.ask(what, make)
        notebook.counts[f"hops of {what}"] = hops.since()
        return value

    connection = await step("connect", lambda: aiosqlite.connect(folder / "a.db"))
    await step("execute", lambda: connection.execute(CREATE))
    cursor = await step("execute with parameters", lambda: connection.execute(INSERT, ("a", "b")))
    notebook.call("rowcount", lambda: cursor.rowcount)
    notebook.call("in_transaction", lambda: connection.in_transaction)
    notebook.call("isolation_level", lambda: connection.isolation_level)
    notebook.call("total_changes", lambda: connection.total_changes)
    await step("commit", lambda: connection.commit())
    cursor = await step("execute a query", lambda: connection.execute(SELECT))
    await step("fetchone", lambda: cursor.fetchone())
    await step("fetchall", lambda: cursor.fetchall())
    await step("close of the cursor", lambda: cursor.close())
    await step("execute_fetchall", lambda: connection.execute_fetchall(SELECT))
    await step("rollback", lambda: connection.rollback())
    await step("close", lambda: connection.close())


async def _closed(notebook: Notebook, folder: Path) -> None:
    connection = await aiosqlite.connect(folder / "b.db")
    await notebook.ask("close", lambda: connection.close())
    await notebook.ask("close again", lambda: connection.close())
    await notebook.ask("execute", lambda: connection.execute(SELECT))
    notebook.call("in_transaction", lambda: connection.in_transaction)


async def _failing(notebook: Notebook, folder: Path) -> None:
    connection = await aiosqlite.connect(folder / "c.db")
    try:
        await notebook.ask("execute without a table", lambda: connection.execute(NOTHING))
        await notebook.ask("execute of nonsense", lambda: connection.execute("BLARG"))
        await connection.execute(CREATE)
        await connection.execute(INSERT, ("a", "b"))
        await notebook.ask("execute twice", lambda: connection.execute(INSERT, ("a", "b")))
        await notebook.ask("commit", lambda: connection.commit())
    finally:
        await connection.close()


async def _missing(notebook: Notebook, folder: Path) -> None:
    await notebook.ask("connect", lambda: aiosqlite.connect(folder / "no" / "such" / "a.db"))


async def _unopened(notebook: Notebook, folder: Path) -> None:
    connection: Any = aiosqlite.connect(folder / "d.db")
    classes = ", ".join(each.__name__ for each in type(connection).__mro__)
    notebook.see("the connection", {"is a": classes})
    notebook.call("in_transaction", lambda: connection.in_transaction)
    await notebook.ask("execute", lambda: connection.execute(SELECT))
    await connection
    await connection.close()


SCENES: tuple[tuple[str, str, Play], ...] = (
    ("a_transaction", "in a transaction", _transaction),
    ("a_closed_connection", "on a closed connection", _closed),
    ("failing_statements", "when a statement fails", _failing),
    ("a_missing_folder", "in a folder that is not there", _missing),
    ("an_unopened_connection", "before a connection is opened", _unopened),
)


def scenes() -> list[Scene]:
    """Play every scene, each on a loop of its own."""
    return [_played(name, when, play) for name, when, play in SCENES]


def _played(name: str, when: str, play: Play) -> Scene:
    notebook = Notebook()
    problem = None

    async def main(folder: Path) -> None:
        before = set(threading.enumerate())
        await asyncio.wait_for(play(notebook, folder), LIMIT_S)
        # A worker that ends by itself still needs its loop to say so.
        for worker in set(threading.enumerate()) - before:
            await asyncio.to_thread(worker.join, LIMIT_S)

    with tempfile.TemporaryDirectory(prefix="behaviour-") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                asyncio.run(main(Path(folder)))
            except Exception as error:  # noqa: BLE001 - a scene that cannot be played is told
                problem = f"{type(error).__name__}: {error}"
    return notebook.scene(name, when, LIBRARY, problem)
