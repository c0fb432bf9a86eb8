"""``nox -s replay -- FILE|TOKEN``: one schedule again, as a timeline or event by event."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from properties.simulation import corpus
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import scenario
from properties.simulation.scheduler import HarnessError
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.session import end, parser
from properties.simulation.stage import Stage
from properties.simulation.timeline import timeline
from properties.simulation.transcript import first_difference
from reports.schema import Verdict


def replayed(entry: corpus.Entry, *, carrier_name: str = "inline") -> Trial:
    """Run a schedule twice, and return the first run.

    Raises ``HarnessError`` when it does not fit the code any more, or when the two runs differ.
    """
    try:
        subject = scenario(entry.scenario)
    except KeyError as error:
        raise HarnessError(str(error.args[0])) from None
    budget = entry.spend(subject.budget)
    scheduler = ReplayScheduler(entry.deviations, entry.does)
    with Stage(subject, carrier_name=carrier_name, fresh=False) as stage:
        trial = stage.run(scheduler, budget)
        scheduler.require_fit()
        second = stage.run(scheduler, budget)
    difference = first_difference(trial.run.transcript, second.run.transcript)
    if difference is not None:
        raise HarnessError(f"nondeterminism, the same choices gave another run: {difference}")
    return trial


def as_expected(trial: Trial) -> bool:
    """Return whether the law holds, or breaks where it is broken on purpose."""
    return (trial.violation is not None) == trial.scenario.is_broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("replay", "Run one schedule again.")
    asked.add_argument("schedule", nargs="*", help="a file of the corpus, or a token; else all")
    asked.add_argument("--step", action="store_true", help="print every event")
    asked.add_argument("--carrier", default="inline", choices=("inline", "greenlet", "thread"))
    options = asked.parse_args(arguments)
    failed = 0
    try:
        if options.schedule:
            chosen = [
                corpus.read(Path(each)) if Path(each).is_file() else corpus.from_token(each)
                for each in options.schedule
            ]
        else:
            chosen = [found for _, found in corpus.entries()]
        for entry in chosen:
            trial = replayed(entry, carrier_name=options.carrier)
            print(f"{entry.token}: {trial.scenario.sentence}")
            lines = trial.run.transcript.lines() if options.step else timeline(trial)
            print(*lines, sep="\n")
            print()
            failed += not as_expected(trial)
    except HarnessError as error:
        return end("replay", Verdict.UNKNOWN, str(error), {}, options.record)
    verdict = Verdict.FAIL if failed else Verdict.PASS
    summary = f"{len(chosen)} schedules on {options.carrier}, {failed} not as they should be"
    return end("replay", verdict, summary, {"schedules": len(chosen)}, options.record)


if __name__ == "__main__":
    sys.exit(main())
