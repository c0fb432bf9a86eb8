"""How often and how soon a bug is found: trials over seeds, and two baselines beside them.

A trial is one process, forked from one that has everything imported. It asks the laws in order
with the cases of the dev profile, a brief round of what is drawn before the whole one, and is over
when a judge has first found a law broken. Nothing is run again and nothing made small.

**Within the dev budget** is: before the dev profile's cases are used up. **The cap** of 5 s is
processor time of the trial and of what it has waited for, because wall time on a shared machine
says how busy that was; on an idle one both are the same, and both are kept. Whole dev budget of one
subject is about four times the cap, so a trial that is cut may be one that would have found the
bug: it is *right-censored* at the cap, and so is, at a time that is no smaller, one that has used
up its cases. Since no trial is cut before the cap, the Kaplan-Meier estimate (E. L. Kaplan,
P. Meier, "Nonparametric estimation from incomplete observations", JASA 53, 1958) below the cap is
the share of trials that were done, and its median is the sample's where at least half were done,
and otherwise not known, but above the cap.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from properties.mutants.order import in_order
from properties.mutants.registry import Mutant
from properties.mutants.runner import Runner
from properties.mutants.trials import Result, Trial
from reports.schema import DiscoveryRecord, LawVerdict

BASELINES = ("gather", "machine")
"""What the laws are compared with; see ``baselines``."""
CAP_S = 5.0
WALL_LIMIT_S = 120.0
LAWS = "laws"


class FalseAlarmError(Exception):
    """The untouched core was found broken: what was found of others proves nothing."""


def discover(
    runner: Runner,
    mutants: Sequence[Mutant],
    laws: list[str],
    *,
    seeds: Sequence[int],
    sample: Sequence[Mutant],
    baseline_seeds: Sequence[int],
    tell: Callable[[str], None],
) -> tuple[list[DiscoveryRecord], list[str]]:
    """Run all trials; return a record a mutant and instrument, and each false alarm or error."""
    steps = tuple(in_order(laws))
    subjects = tuple(dict.fromkeys(mutant.subject for mutant in mutants))

    def trial(subject: str, seed: int, instrument: str) -> Trial:
        return Trial(
            subject=subject,
            laws=steps if instrument == LAWS else (),
            seed=seed,
            # Of a false alarm all is to be known.
            ends_at="failure" if subject in subjects else "sighting",
            cap_cpu_s=CAP_S,
            law_cap_s=WALL_LIMIT_S,
            instrument=instrument,
        )

    queue: deque[Trial] = deque()
    for seed in seeds:  # a seed at a time, so that what is cut short has some of everything
        queue.extend(trial(subject, seed, LAWS) for subject in subjects)
        queue.extend(trial(mutant.subject_name, seed, LAWS) for mutant in mutants)
        if seed in baseline_seeds:
            for instrument in BASELINES:
                queue.extend(trial(subject, seed, instrument) for subject in subjects)
                queue.extend(trial(mutant.subject_name, seed, instrument) for mutant in sample)
    total = len(queue)
    results: dict[tuple[str, str], list[Result]] = {}
    for count, result in enumerate(runner.run(queue), 1):
        key = (result.trial.subject, result.trial.instrument)
        results.setdefault(key, []).append(result)
        tell(f"trial {count} of {total}")
    troubles = [
        f"{result.trial.subject}, {result.trial.instrument}, seed {result.trial.seed}: {what}"
        for result in (each for group in results.values() for each in group)
        if (what := _trouble(result, subjects)) is not None
    ]
    records = [
        _record(mutant, instrument, results[key])
        for mutant in mutants
        for instrument in (LAWS, *BASELINES)
        if (key := (mutant.subject_name, instrument)) in results
    ]
    return records, troubles


def _trouble(result: Result, untouched: Iterable[str]) -> str | None:
    if result.trial.subject in untouched and _found(result) is not None:
        told = "; ".join(each.text for each in result.said if each.verdict is LawVerdict.FAIL)
        return f"{result.sightings[0].law} was broken by the untouched core: {told}"
    if result.error and not result.sightings:
        return result.error
    return None


def _found(result: Result) -> tuple[float, float, str] | None:
    if not result.sightings:
        return None
    first = result.sightings[0]
    return first.cpu_s, first.elapsed_s, first.law


def _record(mutant: Mutant, instrument: str, results: list[Result]) -> DiscoveryRecord:
    found = [_found(each) for each in sorted(results, key=lambda each: each.trial.seed)]
    is_late = [each is None or each[0] > CAP_S for each in found]
    known = list(zip(found, is_late, strict=True))
    return DiscoveryRecord(
        name=mutant.name,
        family=mutant.family.value,
        instrument=instrument,
        cap_s=CAP_S,
        cpu_s=[None if late or each is None else each[0] for each, late in known],
        elapsed_s=[None if late or each is None else each[1] for each, late in known],
        killers=dict(Counter(each[2] for each, late in known if each is not None and not late)),
    )


def found_count(record: DiscoveryRecord) -> int:
    """Return in how many trials it was found."""
    return sum(each is not None for each in record.cpu_s)


def median_s(times: Sequence[float | None]) -> float | None:
    """Return the Kaplan-Meier median of times that are cut at one cap; None: above the cap."""
    known = sorted(math.inf if each is None else each for each in times)
    middle = known[(len(known) - 1) // 2] if known else math.inf
    return None if math.isinf(middle) else middle


def stratified(mutants: Sequence[Mutant], per_family: int) -> list[Mutant]:
    """Return so many mutants of each family, spread evenly over the order they are written in."""
    chosen: list[Mutant] = []
    for family in dict.fromkeys(mutant.family for mutant in mutants):
        group = [mutant for mutant in mutants if mutant.family is family]
        count = min(per_family, len(group))
        chosen += [group[index * len(group) // count] for index in range(count)]
    return chosen
