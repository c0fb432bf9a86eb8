"""Runs one scenario under many schedules that chance chooses, and fails with the smallest one.

Random walks and PCT take turns: the first switch often and anywhere, the second keep to an order
for long and change it in few places. Together they reach what each alone rarely does.
"""

from __future__ import annotations

from collections.abc import Iterator

from properties.reach import reached
from properties.simulation.judging import LawBrokenError, assert_holds
from properties.simulation.minimiser import RUN_LIMIT, smallest
from properties.simulation.scenario import Scenario, Trial
from properties.simulation.scheduler import Scheduler
from properties.simulation.schedulers.pct import PctScheduler
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.transcript import Kind


def walks(
    scenario: Scenario,
    *,
    seed: int,
    count: int,
    fault_count: int = 0,
    run_limit: int = RUN_LIMIT,
    fewer: Scenario | None = None,
) -> Iterator[Trial]:
    """Yield ``count`` trials of ``scenario``; raises ``LawBrokenError`` for one that breaks it.

    The same seed walks the same way. Each failure is run twice before it is told; ``run_limit``
    runs are spent to make it small. ``fewer`` is the same with fewer attempts: what breaks that too
    is shown by it.
    """
    schedulers: tuple[Scheduler, ...] = (
        RandomScheduler(seed, fault_count=fault_count),
        PctScheduler(seed, fault_count=fault_count),
        RandomScheduler(seed + 1, fault_count=fault_count),
        PctScheduler(seed + 1, depth=5, fault_count=fault_count),
    )
    try:
        with Stage(scenario) as stage:
            for number in range(count):
                scheduler = schedulers[number % len(schedulers)]
                limit = run_limit if fewer is None else 0
                trial = assert_holds(stage, scheduler, run_limit=limit)
                _mark_cancellations(trial)
                yield trial
    except LawBrokenError as error:
        if fewer is None:
            raise
        _show_fewer(fewer, run_limit)
        with Stage(scenario) as stage:
            assert_holds(stage, ReplayScheduler(error.entry.deviations), run_limit=run_limit)
        raise


def _show_fewer(fewer: Scenario, run_limit: int) -> None:
    """Raise ``LawBrokenError`` with a smallest schedule of ``fewer``, if one is quickly found."""
    with Stage(fewer) as stage:
        found = smallest(stage, run_limit=run_limit, most=2)
        if found is not None:
            assert_holds(stage, ReplayScheduler(found.deviations), run_limit=run_limit)


_STRUCK = {
    Kind.CALL: "cut off between a call and its result",
    Kind.LAND: "cut off after the result has landed",
}


def _mark_cancellations(trial: Trial) -> None:
    """Tell the three points of a cancellation apart: by what its actor did last."""
    last: dict[str, Kind] = {}
    for event in trial.run.transcript.events:
        if event.kind is Kind.FAULT and "cancel" in str(event.what):
            place = _STRUCK.get(last.get(event.actor, Kind.NOTE), "cut off before a call")
            reached(f"by hand: {place}")
        last[event.actor] = event.kind
