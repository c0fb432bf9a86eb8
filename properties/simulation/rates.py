"""How fast schedules run, and where the time goes: four ways to do the same calls, in turns.

``python -m properties.simulation.rates`` prints both. Blocks of runs alternate:

* *simulated*: random walks of the schedule;
* *glue*: the same attempts in the same order, and nobody chooses (``glue``);
* *aiosqlite*: the same database calls alone, awaited one after the other in the same loop;
* *plain*: the same calls on the same kind of connection by plain sqlite3, without asyncio.

Each contains the next but one's work, so the differences say where a simulated run spends its
time: SQLite with Python's module, aiosqlite with asyncio, the subject, the simulator. All is CPU
time of this process. A rate is that of the median block; a ratio is the median of the ratios
within a turn, and survives a slow or busy host. Each way brings the rows back first, and the
simulated one also reads them after.
"""

from __future__ import annotations

import gc
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import aiosqlite

from properties.session import at_least, end, parser, run
from properties.simulation.glue import GlueLoop, steps_of
from properties.simulation.scenario import Scenario, Setting, Trial
from properties.simulation.scenarios import scenario
from properties.simulation.scenarios.core import store_alone
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage
from properties.simulation.transcript import CallText, Kind, Transcript
from reports.schema import Figure, Verdict

WARM_UP_RUNS = 50
BLOCK_RUNS = 10
TIMED: dict[str, Callable[[], Scenario]] = {
    "occ-3": lambda: scenario("occ-3"),
    "store-alone-3": lambda: store_alone(3),
    "store-3": lambda: scenario("store-3"),
    "machine-3": lambda: scenario("machine-3"),
}
WAYS = ("simulated", "glue", "aiosqlite", "plain")

Script = Sequence[CallText]
Connect = Callable[[], Any]


class GlueDivergedError(Exception):
    """The glue came to other answers than the simulated run whose order it followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """CPU seconds a run, by way: one number a turn."""

    scenario: str
    run_s: dict[str, list[float]]
    calls_per_run: float

    def per_s(self, way: str) -> float:
        """Return runs a CPU second of the median block."""
        return 1 / statistics.median(self.run_s[way])

    def ratio(self, way: str) -> float:
        """Return how fast a way is beside the plain calls: 1 would cost nothing."""
        turns = zip(self.run_s["plain"], self.run_s[way], strict=True)
        return statistics.median(plain_s / way_s for plain_s, way_s in turns)

    def shares(self) -> dict[str, float]:
        """Return which part of a simulated run goes where; the parts add up to 1."""
        of_simulated = [
            statistics.median(
                way_s / whole_s
                for way_s, whole_s in zip(self.run_s[way], self.run_s["simulated"], strict=True)
            )
            for way in ("plain", "aiosqlite", "glue")
        ]
        edges = [0.0, *of_simulated, 1.0]
        names = ("sqlite3", "aiosqlite and asyncio", "subject", "simulator")
        return {name: edges[i + 1] - edges[i] for i, name in enumerate(names)}


def rate(name: str, *, run_count: int = 300, seed: int = 1) -> Rate:
    """Time ``run_count`` random walks of a scenario and the three ways below them, in turns."""
    with Stage(TIMED[name]()) as stage, Ways(stage, RandomScheduler(seed)) as ways:
        ways.warm_up()
        turns = [ways.turn(index) for index in range(max(1, run_count // BLOCK_RUNS))]
    return Rate(
        scenario=name,
        run_s={way: [turn[way] for turn in turns] for way in WAYS},
        calls_per_run=ways.call_count / len(turns) / BLOCK_RUNS,
    )


class Ways:
    """The four ways over one stage; each goes through one block of runs."""

    def __init__(self, stage: Stage, scheduler: RandomScheduler) -> None:
        """Open nothing yet."""
        self._stage = stage
        self._scheduler = scheduler
        self._loop = GlueLoop()
        self._setting = Setting(path=stage.path)
        self._subject: Any = None
        self.trials: list[Trial] = []
        self.scripts: list[Script] = []
        self._connect: Connect = lambda: None
        self._kept: Any = None
        self._kept_later: Any = None
        self.call_count = 0

    def __enter__(self) -> Self:
        """Open the subject a second time, in the glue's loop."""
        opener = self._stage.scenario.open
        if opener is not None:
            self._subject = self._loop.complete(_awaited(opener(self._setting)))
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it, and what the ways below read on."""
        if self._kept is not None:
            self._kept.close()
            self._loop.complete(self._kept_later.close())
        closer = self._stage.scenario.close
        if closer is not None:
            self._loop.complete(_awaited(closer(self._subject)))
        self._loop.close()

    def warm_up(self) -> None:
        """Learn how the subject connects, and run everything a little."""
        seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        patched: Any = sqlite3.connect

        def learning(*positional: Any, **named: Any) -> Any:
            seen.append((positional, named))
            return patched(*positional, **named)

        sqlite3.connect = learning
        try:
            self._stage.run(self._scheduler)
        finally:
            sqlite3.connect = patched
        positional, named = seen[0]
        named["timeout"] = 0
        self._connect = lambda: sqlite3.connect(*positional, **named)
        self._kept = self._connect()
        self._kept_later = self._loop.complete(_open_later(self._connect))
        for _ in range(WARM_UP_RUNS // BLOCK_RUNS):
            self.turn(0)
        self.call_count = 0

    def turn(self, index: int) -> dict[str, float]:
        """Do a block of each way; return CPU seconds a run. Only the simulation must go first."""
        blocks = {"glue": self.glue, "aiosqlite": self.aiosqlite, "plain": self.plain}
        order = list(blocks)[index % 3 :] + list(blocks)[: index % 3]
        found = {"simulated": _timed(self.simulate)}
        self.note_calls()
        self.call_count += sum(map(len, self.scripts))
        return found | {way: _timed(blocks[way]) for way in order}

    def note_calls(self) -> None:
        """Take the calls of ``trials`` for the ways below."""
        self.scripts = [_calls(trial.run.transcript) for trial in self.trials]

    def simulate(self) -> None:
        """Walk at random, a block of runs; ``trials`` holds them."""
        self.trials = [self._stage.run(self._scheduler) for _ in range(BLOCK_RUNS)]

    def glue(self) -> None:
        """Follow the order of each of ``trials``; raises ``GlueDivergedError``."""
        for trial in self.trials:
            self._stage.reset()
            steps = steps_of(trial.run.transcript)
            answers = self._loop.repeat(self._stage.scenario, self._setting, self._subject, steps)
            if answers != trial.outcome.answers:
                raise GlueDivergedError(f"simulated {trial.outcome.answers}, glue {answers}")

    def aiosqlite(self) -> None:
        """Await the calls of each of ``trials`` alone."""
        for script in self.scripts:
            self._stage.reset()
            self._loop.complete(_play_later(self._connect, self._kept_later, script))

    def plain(self) -> None:
        """Make the calls of each of ``trials`` by sqlite3."""
        for script in self.scripts:
            self._stage.reset()
            _play(self._connect, self._kept, script)


def _timed(block: Callable[[], None]) -> float:
    gc.collect()
    gc.disable()  # as the simulation does
    try:
        started_s = time.process_time()
        block()
        return (time.process_time() - started_s) / BLOCK_RUNS
    finally:
        gc.enable()


async def _awaited(work: Any) -> Any:
    return await work


def _calls(transcript: Transcript) -> list[CallText]:
    return [
        event.what
        for event in transcript.events
        if event.kind is Kind.CALL and isinstance(event.what, CallText)
    ]


def _play(connect: Connect, kept: sqlite3.Connection, script: Script) -> None:
    connections: dict[str, sqlite3.Connection] = {}
    for worker, operation, sql, parameters in script:
        native = connections.get(worker, kept)
        if operation == "connect":
            connections[worker] = connect()
        elif operation == "close":
            connections.pop(worker).close()
        elif sql is None:
            getattr(native, operation)()
        elif operation == "hop":
            _whole(connect, sql, parameters).close()
        else:
            try:
                cursor = native.execute(sql, parameters or ())  # type: ignore[arg-type]
                if operation == "fetchall":
                    cursor.fetchall()
            except sqlite3.OperationalError:
                continue  # busy, as it was in the run
    for left in connections.values():
        left.close()


async def _play_later(connect: Connect, kept: aiosqlite.Connection, script: Script) -> None:
    connections: dict[str, aiosqlite.Connection] = {}
    for worker, operation, sql, parameters in script:
        connection = connections.get(worker, kept)
        if operation == "connect":
            connections[worker] = await _open_later(connect)
        elif operation == "close":
            await connections.pop(worker).close()
        elif sql is None:
            await getattr(connection, operation)()
        elif operation == "hop":
            hop: Any = await _open_later(partial(_whole, connect, sql, parameters))
            await (hop.stop() if hasattr(hop, "stop") else hop.close())
        else:
            try:
                if operation == "fetchall":
                    await connection.execute_fetchall(sql, parameters or ())
                else:
                    await connection.execute(sql, parameters or ())
            except sqlite3.OperationalError:
                continue  # busy, as it was in the run
    for left in connections.values():
        await left.close()


async def _open_later(connector: Connect) -> aiosqlite.Connection:
    return await aiosqlite.Connection(connector, 64)


def _whole(connect: Connect, sql: str, parameters: Any) -> sqlite3.Connection:
    """Run a transaction of the script on a connection of its own; undo it if it met no row."""
    native: sqlite3.Connection = connect()
    begin, *writes, end_it = sql.split("; ")
    try:
        native.execute(begin)
        for write, bound in zip(writes, parameters, strict=True):
            if native.execute(write, bound).rowcount != 1:
                native.rollback()
                return native
        native.execute(end_it)
    except sqlite3.OperationalError:
        native.rollback()  # busy, as it was in the run
    return native


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("rates", "Schedules a CPU second, and where their time goes.")
    asked.add_argument("--runs", type=at_least(1), default=500, help="runs a scenario and way")
    asked.add_argument("--scenario", action="append", choices=[*TIMED], help="only this one")
    options = asked.parse_args(arguments)
    names = options.scenario or [*TIMED]
    figures: dict[str, Figure] = {}
    ways = "".join(f"{way:>11}" for way in WAYS)
    print(f"{'runs a CPU second':<17}{ways}  simulated/plain glue/plain calls   where it goes")
    for name in names:
        found = rate(name, run_count=options.runs)
        rates = "".join(f"{found.per_s(way):>11.0f}" for way in WAYS)
        shares = ", ".join(f"{part} {share:.0%}" for part, share in found.shares().items())
        print(
            f"{name:<17}{rates}  {found.ratio('simulated'):>15.2f} {found.ratio('glue'):>10.2f} "
            f"{found.calls_per_run:>5.1f}   {shares}",
            flush=True,
        )
        figures[f"{name}: simulated per CPU second"] = found.per_s("simulated")
        figures[f"{name}: ratio"] = found.ratio("simulated")
        figures[f"{name}: glue ratio"] = found.ratio("glue")
        figures |= {f"{name}: share of {part}": share for part, share in found.shares().items()}
    return end("rates", Verdict.PASS, f"{len(names)} scenarios timed", figures, options.record)


if __name__ == "__main__":
    run("rates", main, shows_life=True)
