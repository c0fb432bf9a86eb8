"""Each reason for doubt stands beside the figures with its number, its threshold and a command."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from benchmarks.results import Finished, Result
from benchmarks.stability import doubts
from properties.environment import environment


def finished(*results: Result, **changes: Any) -> Finished:
    """Return a run on a quiet machine, but for what is changed."""
    quiet: dict[str, Any] = {"load_average": [0.1, 0.1, 0.1], "cpu_count": 2, "cpu_governor": None}
    seen = msgspec.structs.replace(environment(), **{**quiet, **changes})
    return Finished(results=list(results), environment=seen, not_measured={})


def result(name: str = "store", rounds_s: tuple[float, ...] = (1.0,) * 5, **info: object) -> Result:
    """Return a quiet cell, but for what is said."""
    return Result(
        name=name, full_name=name, group="g", rounds_s=list(rounds_s), extra_info=dict(info)
    )


def test_a_quiet_run_raises_no_doubt() -> None:
    """Or nobody would read them."""
    assert [] == list(doubts("ladder", finished(result())))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (finished(result(), load_average=[1.7, 1, 1]), ("load: 1.7 on 2 CPUs", "above 1.0")),
        (finished(result(), cpu_governor="powersave"), ("powersave", "cpupower frequency-set")),
        (finished(result(rounds_s=(1, 1, 2, 3, 3))), ("± 50 %", "± 10 %", "-k 'store'")),
        (finished(result(rounds_s=(1, 1))), ("2 rounds", "fewer than 5")),
        (
            finished(result("raw_loop", raw_rounds_s=[1.1] * 5)),
            ("10.0 % off itself", "above 5 %", "--group ladder"),
        ),
        (
            finished(result(attempt_count=32, latency_p99_us=1)),
            ("32 attempts", "fewer than 100", "--size full"),
        ),
        (finished(result(gave_up_count=3)), ("3 attempts gave up", "above 0", "max_tries")),
    ],
)
def test_a_doubt_has_its_number_its_threshold_and_what_to_do(
    run: Finished, words: tuple[str, ...]
) -> None:
    """One for each cause, and only that one."""
    (doubt,) = map(str, doubts("ladder", run))
    assert [] == [each for each in words if each not in doubt], doubt


def test_a_law_that_does_not_fit_is_doubted() -> None:
    """Coefficients of noise look as exact as any others."""
    speeds = {1: 100.0, 2: 300.0, 4: 90.0, 8: 400.0, 16: 80.0}
    cells = [
        result("tasks", way="pooled", task_count=count, throughput_per_s=speed)
        for count, speed in speeds.items()
    ]
    (doubt,) = map(str, doubts("scaling", finished(*cells)))
    assert "pooled by tasks" in doubt and "above 20 %" in doubt


def test_counts_are_never_doubted() -> None:
    """They are exact on a busy machine too."""
    run = finished(result(rounds_s=(1, 9), instrument="counts"), load_average=[9, 9, 9])
    assert [] == list(doubts("counts", run))
