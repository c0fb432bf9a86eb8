"""Python calls of one transition, counted by the interpreter's own profile hook: exact, no clock.

A call is a frame that begins or, for a coroutine or generator, goes on. The same transition is
counted until two in a row agree, so that what a library does only once is not part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import sqlite3
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

import aiosqlite

from fsmcore import FILE_LIFECYCLE, Edge, HandRolledAdapter, MachineFactory, StateMachineAdapter
from properties.behaviour.machines import plain_machine
from properties.behaviour.notebook import text_of
from reports.schema import Scene

TRIES = 6


class Calls:
    """Counts Python calls by the function that was called, in this thread and in new ones.

    With `only` it counts those whose file begins so: what threads of the standard library do while
    they wait for each other is never the same twice.
    """

    def __init__(self, only: str) -> None:
        """Count nothing yet."""
        self._only = only
        self.by_function: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Count from here; the collector rests, or destructors would be counted too."""
        gc.collect()
        gc.disable()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        sys.setprofile(None)
        threading.setprofile(None)
        gc.enable()

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            name = _module(code.co_filename)
            if name.startswith(self._only) and code is not _END:
                self.by_function[f"{name}: {code.co_qualname}"] += 1


_END = Calls.__exit__.__code__


@functools.cache
def _module(file_name: str) -> str:
    """A file as its library's path: `statemachine/engines/async_.py`."""
    parts = Path(file_name).parts
    for root in ("site-packages", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        if root in parts:
            return "/".join(parts[parts.index(root) + 1 :])
    return "/".join(parts[-2:])


async def _transition(factory: MachineFactory) -> None:
    async def ask_guard(_edge: Edge) -> bool:
        return True

    async def enter(_edge: Edge) -> None:
        pass

    machine = factory(
        FILE_LIFECYCLE, file_path="a.txt", state="untracked", ask_guard=ask_guard, enter=enter
    )
    await machine.activate()
    await machine.trigger("start_upload")


def counted(work: Callable[[], Awaitable[None]], *, only: str = "") -> Counter[str] | None:
    """Count the calls of ``work`` until two counts in a row agree; None where they never do."""

    async def main() -> Counter[str] | None:
        for _ in range(3):
            await work()
        before: Counter[str] | None = None
        for _ in range(TRIES):
            with Calls(only) as calls:
                await work()
            if before == calls.by_function:
                return before
            before = calls.by_function
        return None

    return asyncio.run(main())


async def _transaction(path: str) -> None:
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("BEGIN IMMEDIATE")
        await connection.execute("UPDATE door SET state = state + 1")
        await connection.execute("COMMIT")


def scenes() -> list[Scene]:
    """Count each workload that a gate also times by the same name, and one no upgrade can touch."""
    with tempfile.TemporaryDirectory(prefix="behaviour-") as folder:
        path = str(Path(folder, "a.db"))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript("CREATE TABLE door (state); INSERT INTO door VALUES (0)")
        return [
            _scene(
                "bare_machine",
                "in a bare transition",
                "python-statemachine",
                lambda: _transition(StateMachineAdapter),
            ),
            _scene(
                "plain_machine",
                "in a transition of a machine with one async callback",
                "python-statemachine",
                plain_machine,
            ),
            _scene(
                "aiosqlite_transaction",
                "in a transaction",
                "aiosqlite",
                lambda: _transaction(path),
                only="aiosqlite/",
            ),
            _scene(
                "machine_by_hand",
                "in a bare transition by hand",
                "fsmcore",
                lambda: _transition(HandRolledAdapter),
            ),
        ]


def _scene(
    name: str, when: str, library: str, work: Callable[[], Awaitable[None]], *, only: str = ""
) -> Scene:
    try:
        calls = counted(work, only=only)
    except Exception as error:  # noqa: BLE001 - a scene that cannot be played is told as such
        return Scene(name=name, when=when, library=library, problem=text_of(error))
    if calls is None:
        problem = f"its Python calls were never the same twice in {TRIES} counts"
        return Scene(name=name, when=when, library=library, problem=problem)
    counts = {"Python calls": calls.total()}
    return Scene(name=name, when=when, library=library, counts=counts, details=dict(calls))
