"""One trial: laws asked of one subject, in order, in a process of its own that is forked for it.

The parent has imported and collected everything once; a child changes the core, asks, and tells
its parent each thing as soon as it is known. So a child that is killed has said what it knew, and a
trial costs what its laws cost and not the start of an interpreter.

Choices. The time of a kill is that of the first *sighting*: a judge has found the law broken. To
run it again and to make it small belongs to the report. What a child says is believed only if it
ends in a law's own failure: an error of the judge, an import that fails, a change whose target is
gone are the harness's, and no kill.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import selectors
import shutil
import signal
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import msgspec
import pytest

from properties import scratch, sighting
from properties.recording import RECORDER, key_of
from properties.subjects.named import subject_named
from reports.schema import LawVerdict

FEWER = "@"
"""`LAW@PROFILE` asks a law with as many cases as that profile has, and not the usual ones."""
DEFAULT_PROFILE = "dev"
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1
"""Linux: a trial whose session is killed by SIGKILL ends with it."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A law was seen to be broken, when so much was tried.

    ``cpu_s`` is what the search has cost by then, ``elapsed_s`` what the wall says.
    """

    law: str
    cpu_s: float
    elapsed_s: float
    examples: int
    schedules: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a law said; ``text`` is its counterexample, or why it is unknown or was not asked."""

    law: str
    verdict: LawVerdict
    cpu_s: float
    elapsed_s: float
    text: str = ""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: laws of a subject, in this order, under a seed.

    ``ends_at`` says when enough is known: at the first ``sighting``, the first ``failure``, or at
    the ``end``. ``cap_cpu_s`` is what it may cost in all, ``law_cap_s`` how long one law may take
    on the wall: who waits for ever costs nothing.
    ``instrument`` is what searches: the laws, or a baseline that they are compared with.
    """

    subject: str
    laws: tuple[str, ...]
    seed: int
    ends_at: str
    cap_cpu_s: float
    law_cap_s: float
    instrument: str = "laws"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial. ``ended``: by itself, or ``sighting``, ``cap``, ``law cap``, ``died``.

    ``asking`` is the law that was being asked when it ended. Seconds are of the wall, and of the
    processor in the child and what it has waited for.
    """

    trial: Trial
    said: list[Said]
    sightings: list[Sighting]
    ended: str
    asking: str = ""
    error: str = ""
    elapsed_s: float = 0.0
    cpu_s: float = 0.0

    def verdict(self, law: str) -> LawVerdict:
        """Return what a law said; the one that was being asked at a cut is unknown."""
        return next((each.verdict for each in self.said if each.law == law), LawVerdict.NOT_ASKED)

    def first_failure(self) -> Said | None:
        """Return the first law that failed by its own."""
        return next((each for each in self.said if each.verdict is LawVerdict.FAIL), None)

    def sighting_of(self, law: str) -> Sighting | None:
        """Return when the law was first seen to be broken."""
        return next((each for each in self.sightings if each.law == law), None)


Search = Callable[[str, int], None]
"""A baseline: searches a subject by name under a seed until it is killed; says `sighted`."""


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
        baselines: dict[str, Search] | None = None,
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
            _leave_the_parent(folder, trial.cap_cpu_s)
            child = _Child(trial, descriptor)
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


def _leave_the_parent(folder: str, cap_cpu_s: float) -> None:
    os.setsid()
    with contextlib.suppress(OSError, AttributeError):  # where there is such a thing
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    scratch.MEMORY_FOLDER = tempfile.tempdir = folder
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, cap_cpu_s)  # its default action ends the process


def _cpu_s() -> float:
    """Return the processor time of this process and of the children that it has waited for."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in (mine, theirs))


class _Child:
    """Asks, and tells."""

    def __init__(self, trial: Trial, descriptor: int) -> None:
        self._trial = trial
        self._descriptor = descriptor
        self._began_s, self._began_cpu_s = time.monotonic(), _cpu_s()
        self._asking = ""
        self._sighted: set[str] = set()
        self._explored: set[str] = set()
        self._tried = Counter[str]()
        self._law_began_s, self._law_began_cpu_s = self._began_s, self._began_cpu_s
        self._now: pytest.Item | None = None

    def tell(self, **message: object) -> None:
        line = msgspec.json.encode(message) + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]

    def ask(self, session: pytest.Session, items: dict[tuple[str, str], list[pytest.Item]]) -> None:
        trial = self._trial
        subject_named(trial.subject)()  # a mutant changes the core now
        steps = [step.partition(FEWER)[::2] for step in trial.laws]
        asked = [
            (item, profile or DEFAULT_PROFILE)
            for law, profile in steps
            for item in _items_of(items, law, trial.subject)
        ]
        session.items = list(dict.fromkeys(item for item, _ in asked))
        session.config.option.hypothesis_seed = trial.seed
        _seed(trial.seed)
        RECORDER.keeps_files = False
        RECORDER.stops_when_broken = trial.ends_at != "end"
        self._explored = {
            key_of(item)[0]
            for item, _ in asked
            if hasattr(getattr(item, "module"), "judge")  # noqa: B009
        }
        sighting.watchers.append(self._see)
        for index, (item, profile) in enumerate(asked):
            following, next_profile = asked[index + 1] if index + 1 < len(asked) else (None, "")
            if profile != session.config.option.law_profile:
                self._tried += self._tally()
                self._now = None
                RECORDER.forget()
                session.config.option.law_profile = profile
            self._one(item, following)
            is_enough = self._has_failed(key_of(item)) and RECORDER.stops_when_broken
            is_last = following is None or key_of(following) != key_of(item)
            if is_enough or is_last or next_profile != profile:
                self._say(key_of(item))
            if is_enough:
                return

    def search(self, baseline: Search) -> None:
        subject_named(self._trial.subject)()
        _seed(self._trial.seed)
        self._asking = self._trial.instrument
        sighting.watchers.append(self._see)
        baseline(self._trial.subject, self._trial.seed)

    def _one(self, item: pytest.Item, following: pytest.Item | None) -> None:
        law = key_of(item)[0]
        if law != self._asking:
            self._asking = law
            self._law_began_s, self._law_began_cpu_s = time.monotonic(), _cpu_s()
            self.tell(what="asking", law=law)
        self._now = item
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _has_failed(self, key: tuple[str, str]) -> bool:
        asked = RECORDER.asked.get(key)
        return asked is not None and asked.verdict is LawVerdict.FAIL

    def _say(self, key: tuple[str, str]) -> None:
        asked = RECORDER.asked[key]
        if asked.verdict is LawVerdict.FAIL and key[0] not in self._sighted:
            self._see(key[0])
        self.tell(
            what="said",
            law=key[0],
            verdict=(asked.verdict or LawVerdict.UNKNOWN).value,
            cpu_s=round(_cpu_s() - self._law_began_cpu_s, 3),
            elapsed_s=round(time.monotonic() - self._law_began_s, 3),
            text=asked.failure or asked.reason or "",
        )

    def _see(self, law: str | None) -> None:
        seen = law or self._asking
        if seen in self._sighted:
            return
        self._sighted.add(seen)
        tally = self._tried + self._tally()
        self.tell(
            what="sighting",
            law=seen,
            cpu_s=round(_cpu_s() - self._began_cpu_s, 4),
            elapsed_s=round(time.monotonic() - self._began_s, 4),
            examples=tally["examples"] + tally["simulated examples"],
            schedules=tally["schedules"] + tally["simulated runs"],
        )

    def _tally(self) -> Counter[str]:
        tally = sum(RECORDER.explorations.values(), Counter[str]())
        for (name, _), asked in RECORDER.asked.items():
            if name not in self._explored:  # those share the tally of the exploration
                tally += asked.tally
        if self._now is not None and RECORDER.tally_key in self._now.stash:
            if key_of(self._now)[0] not in self._explored:
                own: Counter[str] = self._now.stash[RECORDER.tally_key]
                tally += own
        return tally


def _seed(seed: int) -> None:
    from hypothesis import core  # here and not above: pytest rewrites its plugin, and must be first

    core.global_force_seed = seed  # type: ignore[assignment]  # as its own plugin does
    random.seed(seed)


def _items_of(
    items: dict[tuple[str, str], list[pytest.Item]], law: str, subject: str
) -> Sequence[pytest.Item]:
    found = [item for (name, _), group in items.items() if name == law for item in group]
    own = [item for item in found if key_of(item)[1] == subject]
    return own or [item for item in found if "subject_name" not in _parameters(item)]


def _parameters(item: pytest.Item) -> dict[str, Any]:
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return parameters
