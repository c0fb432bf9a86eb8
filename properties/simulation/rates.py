"""How fast schedules run, beside a calibration loop: the same calls by plain sqlite3.

``python -m properties.simulation.rates`` prints both. The calibration replays the calls of the
very runs that were timed, in their order, on fresh connections, without asyncio or aiosqlite; the
ratio survives a slow or busy host, the rates do not. Both are per second of CPU.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from properties.session import at_least, end, parser, run
from properties.simulation.scenarios import scenario
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage
from properties.simulation.transcript import CallText, Kind, Transcript
from reports.schema import Figure, Verdict

WARM_UP_RUNS = 50
TIMED = ("occ-3", "store-3", "machine-3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Runs a CPU second, simulated and as plain calls."""

    scenario: str
    simulated_per_s: float
    plain_per_s: float
    calls_per_run: float

    @property
    def ratio(self) -> float:
        """Simulated over plain: 1 would be a simulation that costs nothing."""
        return self.simulated_per_s / self.plain_per_s


def rate(name: str, *, run_count: int = 300, seed: int = 1) -> Rate:
    """Time ``run_count`` random walks of a scenario, then their calls alone."""
    with Stage(scenario(name)) as stage:
        scheduler = RandomScheduler(seed)
        for _ in range(WARM_UP_RUNS):
            stage.run(scheduler)
        started_s = time.process_time()
        transcripts = [stage.run(scheduler).run.transcript for _ in range(run_count)]
        simulated_s = time.process_time() - started_s
        scripts = [_calls(transcript) for transcript in transcripts]
        started_s = time.process_time()
        for script in scripts:
            stage.reset()
            _play(stage.path, script)
        plain_s = time.process_time() - started_s
    return Rate(
        scenario=name,
        simulated_per_s=run_count / simulated_s,
        plain_per_s=run_count / plain_s,
        calls_per_run=sum(map(len, scripts)) / run_count,
    )


def _calls(transcript: Transcript) -> list[CallText]:
    return [
        event.what
        for event in transcript.events
        if event.kind is Kind.CALL and isinstance(event.what, CallText)
    ]


def _play(path: str, script: Sequence[CallText]) -> None:
    connections: dict[str, sqlite3.Connection] = {}
    for worker, operation, sql, parameters in script:
        if operation == "connect":
            connections[worker] = sqlite3.connect(path, isolation_level=None, timeout=0)
        elif operation == "close":
            connections.pop(worker).close()
        elif sql is None:
            getattr(connections[worker], operation)()
        else:
            try:
                connections[worker].execute(sql, parameters or ()).fetchall()  # type: ignore[arg-type]
            except sqlite3.OperationalError:
                continue  # busy, as it was in the run
    for left in connections.values():
        left.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("rates", "Schedules a second, beside the same calls by plain sqlite3.")
    asked.add_argument("--runs", type=at_least(1), default=300)
    options = asked.parse_args(arguments)
    figures: dict[str, Figure] = {}
    print(f"{'scenario':<12} {'simulated/s':>12} {'plain/s':>9} {'ratio':>6} {'calls':>6}")
    for name in TIMED:
        found = rate(name, run_count=options.runs)
        print(
            f"{name:<12} {found.simulated_per_s:>12.0f} {found.plain_per_s:>9.0f} "
            f"{found.ratio:>6.2f} {found.calls_per_run:>6.1f}",
            flush=True,
        )
        figures[f"{name}: simulated per CPU second"] = found.simulated_per_s
        figures[f"{name}: ratio"] = found.ratio
    return end("rates", Verdict.PASS, f"{len(TIMED)} scenarios timed", figures, options.record)


if __name__ == "__main__":
    run("rates", main, shows_life=True)
