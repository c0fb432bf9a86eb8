"""Forks a process for each trial, hears what it says, and ends it.

The parent has imported and collected everything once; a child changes the core, asks, and tells
its parent each thing as soon as it is known. So a child that is killed has said what it knew, and a
trial costs what its laws cost and not the start of an interpreter.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import msgspec
import pytest

from properties import scratch
from properties.mutants.child import INTERRUPTS, Child, Search, leave_the_parent
from properties.mutants.trials import Result, Said, Sighting, Trial
from properties.recording import key_of
from reports.schema import LawVerdict


class Memory(Protocol):
    """Knows results, and keeps new ones."""

    def of(self, trial: Trial) -> Result | None:
        """Return the result of a trial that need not be run."""
        ...

    def add(self, result: Result) -> None:
        """Keep a result."""
        ...


@dataclass(slots=True)
class _Running:
    trial: Trial
    pid: int
    descriptor: int
    folder: str
    began_s: float
    heard_s: float
    text: bytes = b""
    messages: list[dict[str, Any]] = field(default_factory=list)
    asking: str = ""

    def due_s(self) -> float:
        return self.heard_s + self.trial.law_cap_s


class Runner:
    """Forks a child for each trial, at most ``job_count`` at once. Made inside a pytest session."""

    def __init__(
        self,
        session: pytest.Session,
        *,
        job_count: int,
        baselines: Mapping[str, Search] | None = None,
        progress: Memory | None = None,
    ) -> None:
        """Fork nothing yet. ``progress`` knows some results, and is told of each new one."""
        self._progress = progress
        self._items: dict[tuple[str, str], list[pytest.Item]] = {}
        for item in session.items:
            self._items.setdefault(key_of(item), []).append(item)
        self._session = session
        self._job_count = job_count
        self._baselines = baselines or {}
        self._selector = selectors.DefaultSelector()
        self._running: dict[int, _Running] = {}

    def run(self, trials: deque[Trial]) -> Iterator[Result]:
        """Yield each result as it is known; the caller may add trials meanwhile.

        Kills what is under way when it is closed.
        """
        try:
            while True:
                while trials and len(self._running) < self._job_count:
                    trial = trials.popleft()
                    known = None if self._progress is None else self._progress.of(trial)
                    if known is None:
                        self._start(trial)
                    else:
                        yield known
                if not self._running:
                    return
                for result in self._hear():
                    if self._progress is not None:
                        self._progress.add(result)
                    yield result
        finally:
            for running in list(self._running.values()):
                self._end(running, "died")

    def _start(self, trial: Trial) -> None:
        reading, writing = os.pipe()
        in_memory = scratch.MEMORY_FOLDER if os.path.isdir(scratch.MEMORY_FOLDER) else None
        folder = tempfile.mkdtemp(prefix="fsm-trial-", dir=in_memory)
        # Not now: what a fork calls back (logging's lock) loses an interrupt that it meets.
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            pid = os.fork()
            if not pid:
                os.close(reading)
                self._be_the_child(trial, writing, folder)
            os.close(writing)
            now_s = time.monotonic()
            running = _Running(trial, pid, reading, folder, now_s, now_s)
            self._running[pid] = running
            self._selector.register(reading, selectors.EVENT_READ, running)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)

    def _hear(self) -> Iterator[Result]:
        now_s = time.monotonic()
        wait_s = max(0.0, min(each.due_s() for each in self._running.values()) - now_s)
        for key, _ in self._selector.select(min(wait_s, 1.0)):
            running: _Running = key.data
            chunk = os.read(running.descriptor, 1 << 20)
            if not chunk:
                is_whole = bool(running.messages) and running.messages[-1]["what"] == "end"
                yield self._end(running, "itself" if is_whole else "died")
            elif self._take(running, chunk) and running.trial.ends_at == "sighting":
                yield self._end(running, "sighting")
        now_s = time.monotonic()
        for running in [each for each in self._running.values() if each.due_s() <= now_s]:
            yield self._end(running, "law cap")

    def _take(self, running: _Running, chunk: bytes) -> bool:
        """Take what the child said; return whether a law is known to be broken."""
        *lines, running.text = (running.text + chunk).split(b"\n")
        for line in lines:
            message: dict[str, Any] = msgspec.json.decode(line)
            running.messages.append(message)
            if message["what"] == "asking":
                running.asking, running.heard_s = message["law"], time.monotonic()
        return any(
            each["what"] == "sighting"
            or (each["what"] == "said" and each["verdict"] == LawVerdict.FAIL.value)
            for each in running.messages
        )

    def _end(self, running: _Running, ended: str) -> Result:
        elapsed_s = time.monotonic() - running.began_s
        self._selector.unregister(running.descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)  # it may not have a group of its own yet
        _, status, used = os.wait4(running.pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
            ended = "cap"
        os.close(running.descriptor)
        shutil.rmtree(running.folder, ignore_errors=True)
        del self._running[running.pid]
        of = {
            what: [each for each in running.messages if each["what"] == what]
            for what in ("sighting", "said", "error")
        }
        return Result(
            trial=running.trial,
            said=[msgspec.convert(_body(each), Said) for each in of["said"]],
            sightings=[msgspec.convert(_body(each), Sighting) for each in of["sighting"]],
            ended=ended,
            asking=running.asking,
            error="".join(each["text"] for each in of["error"]),
            elapsed_s=round(elapsed_s, 3),
            cpu_s=round(used.ru_utime + used.ru_stime, 3),
        )

    def _be_the_child(self, trial: Trial, descriptor: int, folder: str) -> NoReturn:
        code = 1
        try:
            leave_the_parent(folder, trial.cap_cpu_s)
            child = Child(trial, descriptor)
            try:
                if trial.instrument == "laws":
                    child.ask(self._session, self._items)
                else:
                    child.search(self._baselines[trial.instrument])
                code = 0
            except BaseException as error:  # noqa: BLE001 - told to the parent; nothing was judged
                child.tell(what="error", text=f"{type(error).__name__}: {error}")
            child.tell(what="end")
        finally:
            os._exit(code)


def _body(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "what"}
