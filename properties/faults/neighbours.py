"""BUSY and BUSY_SNAPSHOT: a neighbour takes the write lock, or moves the row, before a statement.

The neighbour is a second connection of this process, or one of a second process, which meets the
other half of SQLite's locking. The operation counted is a statement of the subject about to run
(https://sqlite.org/c3ref/trace_v2.html): the neighbour acts in it, and the subject goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from properties.faults.plan import Fault, History, Means, Phase, Repeat, Strike
from properties.rules.outsider import Outsider
from properties.subjects import Layout, Lifecycle, Place

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "file 0"


class Neighbour(Protocol):
    """Another writer on the same file."""

    def take_the_lock(self) -> bool:
        """Hold the write lock; False if somebody has it."""
        ...

    def let_go(self) -> None:
        """Release it, if held."""
        ...

    def move(self, attempt_id: str, file_path: str) -> tuple[str, str, str, int] | None:
        """Take the first legal event; return event, states and version, or None if it cannot."""
        ...

    def close(self) -> None:
        """Let go and leave."""
        ...


class SecondConnection:
    """A neighbour in this process."""

    def __init__(self, path: str, layout: Layout, lifecycle: Lifecycle) -> None:
        """Connect. Used from the threads that run the subject's statements, one at a time."""
        self._outsider = Outsider(path, layout, lifecycle, any_thread=True)

    def take_the_lock(self) -> bool:
        """See ``Neighbour``."""
        return self._outsider.take_the_lock(None)

    def let_go(self) -> None:
        """See ``Neighbour``."""
        self._outsider.let_go()

    def move(self, attempt_id: str, file_path: str) -> tuple[str, str, str, int] | None:
        """See ``Neighbour``."""
        return self._outsider.move(attempt_id, file_path)

    def close(self) -> None:
        """See ``Neighbour``."""
        self._outsider.close()


class SecondProcess:
    """A neighbour in a process of its own, told what to do line by line.

    One process serves every fault of a run, one after the other.
    """

    _process: subprocess.Popen[str] | None = None

    def __init__(self, path: str, layout: Layout, lifecycle: Lifecycle) -> None:
        """Let it connect."""
        if SecondProcess._process is None:
            command = [sys.executable, "-m", "properties.faults.neighbours"]
            SecondProcess._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            atexit.register(SecondProcess._process.communicate)
        told = (dataclasses.asdict(each) for each in (layout, lifecycle))
        self._ask("connect", path, *told)

    def take_the_lock(self) -> bool:
        """See ``Neighbour``."""
        return bool(self._ask("take_the_lock"))

    def let_go(self) -> None:
        """See ``Neighbour``."""
        self._ask("let_go")

    def move(self, attempt_id: str, file_path: str) -> tuple[str, str, str, int] | None:
        """See ``Neighbour``."""
        moved = self._ask("move", attempt_id, file_path)
        return None if moved is None else tuple(moved)  # type: ignore[arg-type, return-value]

    def close(self) -> None:
        """See ``Neighbour``."""
        self._ask("close")

    def _ask(self, *words: object) -> object:
        process = SecondProcess._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the second process was not started")
        process.stdin.write(json.dumps(words) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the second process has ended")
        return json.loads(line)


class NeighbourStrike(Strike):
    """Lets the neighbour act before the Nth statement."""

    make: Callable[[str, Layout, Lifecycle], Neighbour] = SecondConnection

    def __init__(self, fault: Fault) -> None:
        """No neighbour yet."""
        super().__init__(fault)
        self._neighbour: Neighbour | None = None
        self._history: History | None = None
        self.trouble: BaseException | None = None

    def prepare(self, path: str, history: History) -> None:
        """Let the neighbour move in."""
        self._history = history
        self._neighbour = type(self).make(path, history.layout, history.lifecycle)

    def watch(self, connection: sqlite3.Connection) -> None:
        """See each statement before it runs."""
        connection.set_trace_callback(self._before)

    def _before(self, sql: str) -> None:
        if self._neighbour is None or sql.startswith("--"):
            return  # a comment is the body of a trigger
        try:
            self.before(self._neighbour, sql)
        except Exception as error:  # noqa: BLE001 - it would be lost in SQLite; lift() raises it
            self.trouble = error

    def before(self, neighbour: Neighbour, sql: str) -> None:
        """Act."""
        raise NotImplementedError

    def lift(self) -> None:
        """Let the neighbour leave."""
        neighbour, self._neighbour = self._neighbour, None
        if neighbour is not None:
            with contextlib.closing(neighbour):
                neighbour.let_go()
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble


class LockStrike(NeighbourStrike):
    """BUSY: the neighbour takes the write lock; once: it lets go when the next statement comes."""

    places = frozenset()

    def before(self, neighbour: Neighbour, sql: str) -> None:
        """Take the lock where it is due, and let it go again."""
        if self.fault.repeat is Repeat.ONCE:
            neighbour.let_go()
        if self.is_due(f"the lock is taken before {_short(sql)}"):
            neighbour.take_the_lock()

    async def at_place(self, place: Place) -> None:
        """Let go in the first sleep between two tries, if it was for once."""
        if place is Place.BACKOFF and self.fault.repeat is Repeat.ONCE and self._neighbour:
            self._neighbour.let_go()


class OvertakingStrike(NeighbourStrike):
    """BUSY_SNAPSHOT or a stale row: the neighbour moves the file."""

    def before(self, neighbour: Neighbour, sql: str) -> None:
        """Move it where it is due."""
        if self._history is None or not self.is_due(f"the file is moved before {_short(sql)}"):
            return
        begin, attempt_id = self._history.tick(), f"overtaking {self.fired}"
        moved = neighbour.move(attempt_id, FILE)
        if moved is not None:
            self._history.overtaken(attempt_id, moved, begin)


class ProcessLockStrike(LockStrike):
    """The same, by a second process."""

    make = SecondProcess


class ProcessOvertakingStrike(OvertakingStrike):
    """The same, by a second process."""

    make = SecondProcess


def _short(sql: str) -> str:
    return " ".join(sql.split())[:24]


def _means(name: str, fault: str, strike: type[NeighbourStrike]) -> Means:
    return Means(
        name=name,
        fault=fault,
        operation="statement",
        strike=strike,
        phases=(Phase.ATTEMPT, Phase.OPEN, Phase.ASK),
    )


NEIGHBOURS = (
    _means("locked-out", "BUSY", LockStrike),
    _means("locked-out-by-a-process", "BUSY", ProcessLockStrike),
    _means("overtaken", "BUSY_SNAPSHOT or stale", OvertakingStrike),
    _means("overtaken-by-a-process", "BUSY_SNAPSHOT or stale", ProcessOvertakingStrike),
)


def _serve() -> None:
    neighbour: SecondConnection | None = None
    for line in sys.stdin:
        name, *words = json.loads(line)
        if name == "connect":
            path, layout, lifecycle = words
            neighbour = SecondConnection(path, Layout(**layout), Lifecycle(**lifecycle))
            answer = True
        else:
            answer = getattr(neighbour, name)(*words)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
