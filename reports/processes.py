"""Running somebody else's code: in a process group of its own, with a time limit and a pulse.

Whatever ends the wait (the end, the limit, Ctrl-C, an error of ours), the whole group is killed
before `run` returns or raises, so nothing of a candidate outlives its question.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.documents.files import STEP_SUMMARY
from reports.documents.words import EXCEPTION_LINE

LAUNCH = Path(__file__).with_name("launch.py")
PULSE_S = 1.0
TAIL_BYTES = 4096

Pulse = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended. `exit_code` is None when it was killed at its time limit."""

    exit_code: int | None
    elapsed_s: float
    tail: str

    @property
    def last_line(self) -> str:
        """The last line with words that it printed."""
        return next((line.strip() for line in reversed(self.tail.splitlines()) if line.strip()), "")

    @property
    def refusal(self) -> str:
        """The end of all that it printed, on one line: a refusal has its reason before the last."""
        return " ".join(self.tail.split())[-300:]

    @property
    def last_words(self) -> str:
        """The exception it died of, else the last line it printed, for a sentence about it."""
        lines = [line.strip() for line in self.tail.splitlines() if line.strip()]
        died_of = [line for line in lines if EXCEPTION_LINE.match(line)]
        return (died_of or lines or ["it printed nothing"])[-1][:300]


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    environ: dict[str, str],
    log: Path,
    limit_s: float,
    pulse: Pulse,
    cpu: int | None = None,
) -> Ended:
    """Run a program to its end or its limit; `pulse` gets its last line about once a second."""
    where = "-" if cpu is None else str(cpu)
    launched = [sys.executable, "-I", str(LAUNCH), where, str(os.getpid()), *argv]
    started = time.monotonic()
    process: subprocess.Popen[bytes] | None = None
    with log.open("wb") as stream:
        try:
            with uninterrupted():
                process = subprocess.Popen(
                    launched,
                    cwd=folder,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            in_time = _wait(process, limit_s, lambda: pulse(last_line(log)))
        finally:
            if process is not None:
                kill_group(process.pid)
                process.wait()
    return Ended(
        exit_code=process.returncode if in_time else None,
        elapsed_s=time.monotonic() - started,
        tail=tail(log),
    )


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back while a process is started, or it could start unknown to us.

    What is started inherits that they are held back; `launch.py` lets them through again.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def kill_group(group: int) -> None:
    """End a process group that we started, if any of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def last_line(log: Path) -> str:
    """The last line with words that stands in a log."""
    words = [line.strip() for line in tail(log).splitlines() if line.strip()]
    return words[-1] if words else ""


@contextlib.contextmanager
def terminating_like_interrupt() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that clean-up runs for both."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def clean_environ(**extra: str) -> dict[str, str]:
    """This process's environment without what would lead Python or uv elsewhere.

    Nor does what is started tell a job's page what is only half of an answer.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "COVERAGE_", "PYTEST_", "VIRTUAL_ENV", STEP_SUMMARY))
    }
    return kept | extra


def _wait(process: "subprocess.Popen[bytes]", limit_s: float, beat: Callable[[], None]) -> bool:
    """Wait without polling where the system can: a poll would disturb what is being timed."""
    end = time.monotonic() + limit_s
    descriptor = os.pidfd_open(process.pid) if sys.platform == "linux" else None
    try:
        while (left := end - time.monotonic()) > 0:
            pause_s = min(PULSE_S, left)
            if descriptor is not None:
                # Ended but not reaped: its number still names the group that is killed next.
                if select.select([descriptor], [], [], pause_s)[0]:
                    return True
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(pause_s)
                    return True
            beat()
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)


def tail(log: Path) -> str:
    """The end of a log."""
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - TAIL_BYTES))
        return stream.read().decode("utf-8", "replace")
    return ""
