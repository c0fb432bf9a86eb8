"""Several processes on one database, each with tasks of its own: only SQLite is between them.

No lock of one process spares another one anything, so this is where BUSY, stale writes and retries
come from. The clock runs from the moment at which all are told to go until the last one has
answered; what each caller was told comes to one ledger afterwards, and is judged as a whole.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import database
from benchmarks.ledger import Entry, Ledger, Moved
from benchmarks.samples import jain_index, latencies
from benchmarks.tally import Tally
from benchmarks.workload import Metric
from fsmcore import Synchronous

ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 10.0


class ProcessPool:
    """So many processes, each with so many tasks, on so many files; through the store alone."""

    def __init__(
        self,
        way: str,
        *,
        process_count: int,
        tasks_per_process: int = 1,
        file_count: int = 1,
        transitions_per_process: int,
    ) -> None:
        """Start nothing yet."""
        self.transitions_per_round = process_count * transitions_per_process
        self._way = way
        self._process_count = process_count
        self._tasks_per_process = tasks_per_process
        self._file_count = file_count
        self._transitions_per_process = transitions_per_process
        self._ledger = Ledger()
        self._tally = Tally()
        self._waited_us: list[int] = []
        self._shares: list[float] = []
        self._committed_count = 0
        self._members: list[subprocess.Popen[str]] = []

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database, start the processes and wait until each has opened its store."""
        self._path = folder / "pool.sqlite3"
        database.make(self._path, self._file_count)
        command = [sys.executable, "-m", "benchmarks.workloads.pool_member", str(self._path)]
        how = [self._way, synchronous.name]
        size = [str(self._tasks_per_process), str(self._file_count)]
        try:
            for index in range(self._process_count):
                self._members.append(
                    subprocess.Popen(
                        [*command, *how, str(index), *size],
                        cwd=ROOT,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
            for member in self._members:
                _heard(member)
        except BaseException:
            self._end()
            raise

    def run(self) -> None:
        """Let all go at once, and wait for the last."""
        for member in self._members:
            _tell(member, f"go {self._transitions_per_process}")
        took_ns = [int(_heard(member)) for member in self._members]
        # All did the same amount: whoever was slower had the smaller share of a second.
        self._shares.append(jain_index([round(1e15 / each) for each in took_ns]))

    def forget(self) -> None:
        """Drop what was noted so far."""
        for member in self._members:
            _tell(member, "forget")
            _heard(member)
        self._shares.clear()

    def close(self) -> None:
        """Ask each process what its callers were told, and let it end."""
        try:
            for index, member in enumerate(self._members):
                _tell(member, "tell")
                self._take(index, _heard(member))
        finally:
            self._end()

    def _take(self, index: int, told: Mapping[str, Any]) -> None:
        for kind in ("earlier", "noted"):
            for fields in told[kind]:
                entry = Entry._make(fields)
                moved = None if entry.moved is None else Moved._make(entry.moved)
                caller = f"process {index}, {entry.caller}"
                self._ledger.entries.append(entry._replace(moved=moved, caller=caller))
                if kind == "noted":
                    self._waited_us.append(round(entry.took / 1000))
        for name, value in told["tally"].items():
            setattr(self._tally, name, getattr(self._tally, name) + value)

    def _end(self) -> None:
        for member in self._members:
            if member.stdin is not None:
                member.stdin.close()
        for member in self._members:
            try:
                member.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                member.kill()
                member.wait()
            if member.stdout is not None:
                member.stdout.close()

    def check(self) -> list[str]:
        """Audit the file and all answers of all processes together."""
        audit = self._ledger.audit(self._path)
        self._committed_count = audit.committed_count
        return audit.violations

    def metrics(self) -> Mapping[str, Metric]:
        """Return latencies of all attempts, and what delayed them."""
        tally = self._tally
        return {
            "way": self._way,
            "process_count": self._process_count,
            "task_count": self._tasks_per_process * self._process_count,
            "file_count": self._file_count,
            "committed_count": self._committed_count,
            "attempt_count": len(self._waited_us),
            "retry_count": tally.retry_count,
            "busy_count": tally.busy_count,
            "stale_count": tally.stale_count,
            "gave_up_count": tally.gave_up_count,
            "committed_share": 1 - tally.gave_up_count / len(self._waited_us),
            "jain_index": sorted(self._shares)[len(self._shares) // 2],
            **latencies(self._waited_us),
        }


def _tell(member: subprocess.Popen[str], what: str) -> None:
    if member.stdin is None:
        raise RuntimeError("a member of the pool has no input.")
    member.stdin.write(f"{what}\n")
    member.stdin.flush()


def _heard(member: subprocess.Popen[str]) -> Any:  # whatever JSON it says
    if member.stdout is None:
        raise RuntimeError("a member of the pool has no output.")
    line = member.stdout.readline()
    if not line:
        raise RuntimeError(f"a process of the pool ended with {member.wait()}, see above.")
    return json.loads(line)
