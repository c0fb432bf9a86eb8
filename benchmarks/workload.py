"""What a workload is, and how one is measured: nothing is recorded before its check has passed.

The four verbs are FoundationDB's (setup, run, check, metrics): one workload serves correctness
and speed, so that no figure can come from code that does the wrong thing quickly.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.turns import Rounds, Turns
from fsmcore import Synchronous

Metric = int | float | str | Sequence[int]


class Workload(Protocol):
    """Something to measure, and the proof that it was done."""

    @property
    def transitions_per_round(self) -> int:
        """How many transitions one ``run`` asks for."""
        ...

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database in ``folder``, if there is one, and open what is used for long."""
        ...

    def run(self) -> None:
        """Take one round of transitions. This, and nothing else, is on the clock."""
        ...

    def forget(self) -> None:
        """Drop what was noted so far, after warming up; what was committed still counts."""
        ...

    def close(self) -> None:
        """Give everything back that ``setup`` opened."""
        ...

    def check(self) -> list[str]:
        """Return what is wrong with the outcome of all rounds; called after ``close``."""
        ...

    def metrics(self) -> Mapping[str, Metric]:
        """Return figures beside the clock's, by a name with its unit last."""
        ...


class Recorder(Protocol):
    """The part of pytest-benchmark's fixture that is used; the library has no type hints."""

    has_error: bool
    extra_info: dict[str, Any]  # whatever JSON can hold; pytest-benchmark does not look inside
    stats: Any  # its statistics, None before the first round

    def pedantic(
        self,
        target: Callable[[], None],
        *,
        teardown: Callable[[], None],
        rounds: int,
        iterations: int,
    ) -> object:
        """Time ``iterations`` calls of ``target`` a round; after each, call ``teardown``."""
        ...


class WrongResultError(Exception):
    """A workload ran and its check failed: fast and wrong is no measurement."""

    def __init__(self, name: str, violations: Sequence[str]) -> None:
        self.violations = tuple(violations)
        more = f" (and {len(violations) - 3} more)" if len(violations) > 3 else ""
        super().__init__(
            f"{name}: the result is wrong, so its time means nothing: "
            f"{'; '.join(violations[:3])}{more}"
        )


class _OncePerRound:
    """Runs a round on the first call of each ``iterations``, and nothing on the others.

    pytest-benchmark divides a round's time by its iterations, and cannot await. So one round is
    one run of the event loop, however many transitions it takes, and the recorded time is that
    of one transition. The idle calls cost some 50 ns each. The CPU time that the process spent in
    a round, all of its threads together, is noted beside pytest-benchmark's wall time; `began_s`
    is what it had spent before the first one.
    """

    def __init__(self, run: Callable[[], None], *, rounds: int, iterations: int) -> None:
        self._run = run
        self._calls_left = rounds * iterations
        self._iterations = iterations
        self.cpu_rounds_s: list[float] = []
        self.own_cpu_rounds_s: list[float] = []
        self.began_s = 0.0

    def __call__(self) -> None:
        # After the last round pytest-benchmark calls once more, for a result nobody wants.
        if self._calls_left and self._calls_left % self._iterations == 0:
            own_began_s, began_s = time.thread_time(), time.process_time()
            if not self.cpu_rounds_s:
                self.began_s = began_s
            self._run()
            self.cpu_rounds_s.append((time.process_time() - began_s) / self._iterations)
            self.own_cpu_rounds_s.append((time.thread_time() - own_began_s) / self._iterations)
        self._calls_left = max(0, self._calls_left - 1)


class _Beside:
    """The raw loop, run once after each round, so that both meet the same moods of the machine.

    The speed of a shared machine drifts by tens of percent within a minute. A ratio of two medians
    taken a minute apart drifts with it; the median of ratios between neighbours does not.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self.rounds_s: list[float] = []
        self.cpu_rounds_s: list[float] = []

    def __call__(self) -> None:
        began_s, cpu_began_s = time.perf_counter(), time.process_time()
        self._workload.run()
        elapsed_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_began_s
        self.rounds_s.append(elapsed_s / self._workload.transitions_per_round)
        self.cpu_rounds_s.append(cpu_s / self._workload.transitions_per_round)


def measure(
    recorder: Recorder,
    workload: Workload,
    *,
    name: str,
    folder: Path,
    synchronous: Synchronous,
    rounds: int,
    warmup_rounds: int,
    beside: Workload | None = None,
    turns: Turns | None = None,
) -> None:
    """Measure a workload; raises ``WrongResultError`` when its check fails.

    With ``turns`` each round waits, off the clock, until it may begin. What the process works
    meanwhile, whichever thread, is noted as ``cpu_outside_s``: CPU seconds for one transition from
    the first round until everything is closed, without those in the rounds.

    ``beside`` is run after each round, off pytest-benchmark's clock; its times are noted as
    ``raw_rounds_s``, in the order of the rounds, in seconds for one transition, and its CPU time as
    ``raw_cpu_rounds_s``. ``own_cpu_rounds_s`` is what the workload took in the thread of its event
    loop alone: what it took in others is the rest of ``cpu_rounds_s``.

    pytest-benchmark writes a benchmark to its file unless ``has_error`` is set, so it stays set
    until the check has passed. The garbage of the start is frozen: a collection inside a round
    then looks at the round's own objects only.
    """
    recorder.has_error = True
    with contextlib.ExitStack() as opened:
        for each, subfolder in ((workload, "measured"), (beside, "beside")):
            if each is not None:
                place = folder / subfolder
                place.mkdir()
                each.setup(place, synchronous)
                opened.callback(each.close)
                for _ in range(warmup_rounds):
                    each.run()
                each.forget()
        raw = None if beside is None else _Beside(beside)
        between = raw if turns is None else Rounds(turns, name, rounds)
        target = _take_rounds(recorder, workload, rounds, between)
    spent_s = time.process_time() - target.began_s
    wrong = [*workload.check(), *(beside.check() if beside is not None else ())]
    if wrong:
        raise WrongResultError(name, wrong)
    info = recorder.extra_info
    info.update(workload.metrics())
    info["synchronous"] = synchronous.name
    info["cpu_rounds_s"] = target.cpu_rounds_s
    if beside is None:
        in_a_transition_s = spent_s / (rounds * workload.transitions_per_round)
        info["cpu_outside_s"] = in_a_transition_s - sum(target.cpu_rounds_s) / rounds
    info["transitions_per_round"] = workload.transitions_per_round
    if raw is not None:
        info["raw_rounds_s"] = raw.rounds_s[:rounds]
        info["raw_cpu_rounds_s"] = raw.cpu_rounds_s[:rounds]
        info["own_cpu_rounds_s"] = target.own_cpu_rounds_s
    if recorder.stats is not None:
        share = info.get("committed_share", 1)
        info["throughput_per_s"] = share / recorder.stats.stats.median
    recorder.has_error = False


def _take_rounds(
    recorder: Recorder, workload: Workload, rounds: int, after_each: Callable[[], None] | None
) -> _OncePerRound:
    """Return what has noted the CPU time of each round."""
    iterations = workload.transitions_per_round
    target = _OncePerRound(workload.run, rounds=rounds, iterations=iterations)
    gc.collect()
    gc.freeze()
    try:
        if isinstance(after_each, Rounds):
            after_each()
        recorder.pedantic(
            target, teardown=after_each or _nothing, rounds=rounds, iterations=iterations
        )
    finally:
        gc.unfreeze()
    return target


def _nothing() -> None:
    pass
