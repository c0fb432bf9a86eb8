"""From inside a Hypothesis example: judge one schedule, and fail with the smallest one.

``assert_holds`` runs a drawn schedule. When the law breaks it runs the same choices again (a
difference is nondeterminism, never the law's failure), finds the smallest schedule, and raises
with its timeline and the command that replays it.
"""

from __future__ import annotations

import sys

from properties.sighting import sighted
from properties.simulation import corpus
from properties.simulation.budget import Budget
from properties.simulation.minimiser import RUN_LIMIT, smallest
from properties.simulation.scenario import Trial
from properties.simulation.scheduler import HarnessError, Scheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.timeline import MOST_LINES, timeline
from properties.simulation.transcript import first_difference

MOST_LINES_OF_A_LAW = 6


class LawBrokenError(AssertionError):
    """A law does not hold under some schedule; the message shows the smallest one known."""

    def __init__(self, message: str, entry: corpus.Entry) -> None:
        self.entry = entry
        super().__init__(message)


def assert_holds(
    stage: Stage,
    scheduler: Scheduler,
    *,
    budget: Budget | None = None,
    run_limit: int = RUN_LIMIT,
) -> Trial:
    """Run one schedule and return the trial; raises ``LawBrokenError`` or ``HarnessError``."""
    trial = stage.run(scheduler, budget)
    if trial.violation is None:
        return trial
    again = stage.run(ReplayScheduler(trial.run.deviations), budget)
    difference = first_difference(trial.run.transcript, again.run.transcript)
    if difference is not None:
        raise HarnessError(f"nondeterminism, the same choices gave another run: {difference}")
    sighted()
    spent = budget if budget is not None else stage.scenario.budget
    found = smallest(stage, budget=spent, known=trial.run.deviations, run_limit=run_limit)
    shown = trial if found is None else found.trial
    entry = corpus.entry(shown, spent, is_minimal=found is not None and found.is_minimal)
    python = ".".join(str(part) for part in sys.version_info[:3])
    told = f"{stage.scenario.name}: {shown.violation}".splitlines()
    if len(told) > MOST_LINES_OF_A_LAW:
        told = [*told[: MOST_LINES_OF_A_LAW - 1], "..."]
    lines = [
        *told,
        *timeline(shown, most=MOST_LINES - len(told))[:-2],  # its two last lines stand here
        f"{found if found is not None else 'as found'}; Python {python}",
        f"nox -s replay -- {entry.token}",
    ]
    raise LawBrokenError("\n".join(lines), entry)
