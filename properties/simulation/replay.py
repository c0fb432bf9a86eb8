"""``nox -s replay -- FILE|TOKEN``: one schedule again, as a timeline or event by event."""

from __future__ import annotations

import re
from collections.abc import Sequence

from properties.session import UsageError, end, parser, run
from properties.simulation import corpus
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import scenario
from properties.simulation.scheduler import HarnessError
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.timeline import timeline
from properties.simulation.transcript import first_difference
from reports.schema import Verdict, given_path

_PARTS = re.compile(r"; |, (?=\w+: )|(?<=\)) (?=\()")


def replayed(entry: corpus.Entry, *, carrier_name: str = "inline") -> Trial:
    """Run a schedule twice, and return the first run.

    Raises ``HarnessError`` when it does not fit the code any more, or when the two runs differ.
    """
    subject = scenario(entry.scenario, breaks=entry.breaks)
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


def complaint(entry: corpus.Entry, trial: Trial) -> str | None:
    """Return why a replay did not end as it should, or None.

    Against what was recorded first: what was broken, then the outcome, part by part. A token
    records neither, so of it only the law is asked. A law that breaks where nothing is broken on
    purpose is a complaint even when the record says so too.
    """
    if entry.outcome is not None:
        if trial.violation != entry.breaks:
            return f"recorded: {_told(entry.breaks)}; now: {_told(trial.violation)}"
        found = str(trial.outcome)
        if found != entry.outcome:
            return _first_part_that_differs(entry.outcome, found)
    if trial.violation is None and trial.scenario.is_broken:
        return "broken on purpose, and this schedule does not show it"
    if trial.violation is not None and not trial.scenario.is_broken:
        return f"the law is broken: {trial.violation}"
    return None


def _told(violation: str | None) -> str:
    return "the law holds" if violation is None else f"broken: {violation}"


def _first_part_that_differs(recorded: str, found: str) -> str:
    then, now = _PARTS.split(recorded), _PARTS.split(found)
    for index in range(max(len(then), len(now))):
        old = then[index] if index < len(then) else "(nothing)"
        new = now[index] if index < len(now) else "(nothing)"
        if old != new:
            return f"recorded: {old}; now: {new}"
    return f"recorded: {recorded}; now: {found}"


def _chosen(asked: str) -> corpus.Entry:
    """Return the schedule that an argument names; raises ``UsageError``."""
    path = given_path(asked)
    try:
        if path.is_file():
            return corpus.read(path)
        if path.exists():
            raise UsageError(f"{path} is a folder; name a file in it, or nothing for the corpus.")
        if "@" not in asked:
            raise UsageError(f"{path}: no such file, and no token: it has no '@'.")
        return corpus.from_token(asked)
    except corpus.NoScheduleError as error:
        raise UsageError(str(error)) from error


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("replay", "Run one schedule again, and hold it against what was recorded.")
    asked.add_argument("schedule", nargs="*", help="a file of the corpus, or a token; else all")
    asked.add_argument("--step", action="store_true", help="print every event")
    asked.add_argument("--carrier", default="inline", choices=("inline", "greenlet", "thread"))
    options = asked.parse_args(arguments)
    if options.schedule:
        chosen = [_chosen(each) for each in options.schedule]
    else:
        chosen = [found for _, found in corpus.entries()]
    complaints: list[str] = []
    broken = 0
    try:
        for entry in chosen:
            trial = replayed(entry, carrier_name=options.carrier)
            print(f"{entry.token}: {trial.scenario.sentence}")
            lines = trial.run.transcript.lines() if options.step else timeline(trial)
            print(*lines, sep="\n")
            found = complaint(entry, trial)
            if found is not None:
                complaints.append(found)
            elif trial.violation is not None:
                broken += 1
                how = "and this schedule shows it" if entry.outcome is None else "as recorded"
                found = f"broken on purpose, {how}: {_first_line(trial.violation)}"
            if found is not None:
                print(found)
            print()
    except HarnessError as error:
        return end("replay", Verdict.UNKNOWN, str(error), {}, options.record)
    verdict = Verdict.FAIL if complaints else Verdict.PASS
    summary = f"{len(chosen)} schedules on {options.carrier}"
    summary += f"; {broken} broken on purpose, as they should be" if broken else ""
    summary += (
        f"; {len(complaints)} not as they should be: {_first_line(complaints[0])}"
        if complaints
        else ""
    )
    figures = {"schedules": len(chosen), "complaints": len(complaints)}
    return end("replay", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("replay", main, shows_life=True)
