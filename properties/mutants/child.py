"""Inside a forked process: the core is changed, the laws are asked, and the parent is told."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from properties import scratch, sighting
from properties.mutants.trials import FEWER, Trial
from properties.recording import RECORDER, key_of
from properties.subjects.named import subject_named
from reports.schema import LawVerdict

DEFAULT_PROFILE = "dev"
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1
"""Linux: a trial whose session is killed by SIGKILL ends with it."""

Search = Callable[[str, int], None]
"""A baseline: searches a subject by name under a seed until it is killed; says `sighted`."""


def leave_the_parent(folder: str, cap_cpu_s: float) -> None:
    """Be a group of its own that prints nothing, writes to ``folder``, and ends at its cap."""
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


class Child:
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
        """Say one thing to the parent."""
        line = msgspec.json.encode(message) + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]

    def ask(self, session: pytest.Session, items: dict[tuple[str, str], list[pytest.Item]]) -> None:
        """Ask the trial's laws, in order, until one fails or all are asked."""
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
        """Let a baseline search until it is killed."""
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
        # Asked twice in a row it is not its own next: its fixtures would be taken for set up.
        after = None if following is item else following
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)

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
