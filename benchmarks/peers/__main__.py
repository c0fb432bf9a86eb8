"""The same bugs and controls under our simulator and under others, on one host in one run.

    python -m benchmarks.peers                 # or: nox -s peers
    python -m benchmarks.peers --seconds 10 --scenario "broken: ABA"

Beside ours: stock asyncio under stress (real threads, beginnings held back at random), frontrun
(its random and its systematic strategy) and detangle. The two packages from PyPI are installed
into a throwaway environment, beside the aiosqlite and python-statemachine that are measured here,
and never into the lock. Each cell is a process with a time box. A tool that refuses, deadlocks or
runs over is reported as such, in its own words.

What the table says: schedules a second of wall time, and how many were needed to the first
failure, "-" where none was seen. Ours and stock asyncio go on after it, the others stop. On the
controls, code that is right under asyncio, any failure is a false alarm.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from properties.session import CannotJudgeError, at_least, end, parser, run
from reports.schema import Figure, Verdict

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("frontrun==0.7.0", "detangle==0.1.0")
MEASURED = ("aiosqlite", "python-statemachine", "hypothesis", "msgspec", "pytest")
TOOLS = ("ours", "stock asyncio", "frontrun random", "frontrun dpor", "detangle")
BUGS = (
    "lost-update-2",
    "kept-lost-update-2",
    "broken: ABA",
    "broken: stale retry",
    "broken: row count ignored",
    "broken: busy is ok",
    "broken: commit unheard",
    "broken: split transaction",
)
CONTROLS = ("neighbours", "queue", "turns")
GRACE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one tool showed of one scenario."""

    tool: str
    scenario: str
    schedules: int
    elapsed_s: float
    first: int | None
    message: str
    broke: str = ""

    @property
    def per_s(self) -> float:
        """Schedules a second."""
        return self.schedules / self.elapsed_s if self.elapsed_s else 0.0


def environment(folder: Path) -> Path:
    """Make the throwaway environment; return its interpreter."""
    home = folder / "environment"
    wanted = [*PEERS, *(f"{name}=={version(name)}" for name in MEASURED)]
    uv = shutil.which("uv")
    python = home / "bin" / "python"
    if uv is not None:
        _must([uv, "venv", "--quiet", "--python", sys.executable, str(home)])
        _must([uv, "pip", "install", "--quiet", "--python", str(python), *wanted])
    else:
        _must([sys.executable, "-m", "venv", str(home)])
        _must([str(python), "-m", "pip", "install", "--quiet", *wanted])
    return python


def _must(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no words"]
        raise InstallError(f"the peers cannot be installed: {words[-1]}. Is an index in reach?")


class InstallError(Exception):
    """The throwaway environment could not be made."""


def measure(python: Path, tool: str, scenario: str, seconds: int) -> Cell:
    """Run one cell; what it started does not outlive it."""
    command = [str(python), "-m", "benchmarks.peers.cell", tool, scenario, str(seconds)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds + GRACE_S)
        told = json.loads(said.splitlines()[-1])
    except subprocess.TimeoutExpired:
        told = {"message": f"did not end within {seconds + GRACE_S:.0f} s"}
    except (ValueError, IndexError):
        told = {"message": f"ended with code {process.returncode} and said nothing"}
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Cell(
        tool=tool,
        scenario=scenario,
        schedules=told.get("schedules", 0),
        elapsed_s=told.get("elapsed_s", 0.0),
        first=told.get("first"),
        message=told.get("message", ""),
        broke=told.get("broke", ""),
    )


def lines(cells: Sequence[Cell], scenarios: Sequence[str]) -> list[str]:
    """Return the table: a scenario a row, a tool a column; below it what tools said."""
    by = {(each.tool, each.scenario): each for each in cells}
    tools = [tool for tool in TOOLS if any(each.tool == tool for each in cells)]
    made = [f"{'schedules/s, to the first failure':<34}" + "".join(f"{t:>19}" for t in tools)]
    for scenario in scenarios:
        kind = "control: " if scenario in CONTROLS else ""
        row = f"{kind + scenario:<34}"
        for tool in tools:
            row += f"{_told(by[tool, scenario]):>19}"
        made.append(row)
    said = sorted({(each.tool, each.message) for each in cells if each.message})
    made += [f"{tool}: {message}" for tool, message in said]
    made += [
        f"{each.tool} on the control {each.scenario}: {each.broke}"
        for each in cells
        if each.scenario in CONTROLS and each.first is not None
    ]
    return made


def _told(cell: Cell) -> str:
    if cell.message:
        return "refused" if cell.schedules <= 1 else f"{cell.per_s:,.0f}/s, unsure"
    return f"{cell.per_s:,.0f}/s, {cell.first if cell.first is not None else '-'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("peers", __doc__ or "")
    every = (*BUGS, *CONTROLS)
    asked.add_argument("--scenario", action="append", choices=every, help="only this one")
    asked.add_argument("--tool", action="append", choices=TOOLS, help="only this one")
    asked.add_argument("--seconds", type=at_least(1), default=5, help="the time box of a cell")
    options = asked.parse_args(arguments)
    scenarios = options.scenario or list(every)
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        try:
            python = environment(Path(folder))
        except InstallError as error:
            raise CannotJudgeError(str(error)) from error
        for scenario in scenarios:
            tools = options.tool or TOOLS
            cells += [measure(python, tool, scenario, options.seconds) for tool in tools]
    print(f"{', '.join(PEERS)}; aiosqlite {version('aiosqlite')}; {options.seconds} s a cell")
    print(*lines(cells, scenarios), sep="\n")
    figures: dict[str, Figure] = {}
    for cell in cells:
        figures[f"{cell.tool}: {cell.scenario}: schedules per second"] = round(cell.per_s, 1)
        if cell.first is not None:
            figures[f"{cell.tool}: {cell.scenario}: to the first failure"] = cell.first
    mine = [each for each in cells if each.tool == "ours"]
    alarms = sum(each.first is not None for each in mine if each.scenario in CONTROLS)
    missed = sum(each.first is None for each in mine if each.scenario in BUGS)
    broke = sum(bool(each.message) for each in mine)
    verdict = Verdict.FAIL if alarms or missed or broke else Verdict.PASS
    summary = (
        f"{len(cells)} cells; ours: {len(mine)} scenarios, {missed} bugs missed, "
        f"{alarms} false alarms"
    )
    return end("peers", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("peers", main, shows_life=True)
