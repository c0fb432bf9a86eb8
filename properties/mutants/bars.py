"""What the suite must be able to do, as numbers, and where it falls short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from properties.mutants.discovery import BASELINES, LAWS, found_count, median_s
from reports.schema import DiscoveryRecord, LawVerdict, MutantRecord

MOST_LINES = 15
MOST_OF_A_LAW = 0.25
FEWEST_FOR_A_SHARE = 20
"""Of fewer mutants a quarter says nothing about a law."""
SEEDS_SHARE = 19 / 20
MUTANTS_SHARE = 0.9
MEDIAN_S = 2.0
FEWEST_MISSED = 15


def bugs(mutants: Iterable[MutantRecord]) -> list[MutantRecord]:
    """Return the mutants that some law must catch."""
    return [each for each in mutants if each.laws]


def first_kills(mutants: Iterable[MutantRecord]) -> Counter[str]:
    """Return how many mutants each law was the first to kill."""
    return Counter(each.killed_by for each in bugs(mutants) if each.killed_by is not None)


def only_killers(mutants: Iterable[MutantRecord]) -> dict[str, list[str]]:
    """Return the mutants that only one law kills, by that law. Says something of a matrix only."""
    found: dict[str, list[str]] = {}
    for mutant in bugs(mutants):
        killers = [law for law, verdict in mutant.verdicts.items() if verdict is LawVerdict.FAIL]
        if len(killers) == 1:
            found.setdefault(killers[0], []).append(mutant.name)
    return found


def missed_by_named(mutant: MutantRecord) -> list[str]:
    """Return the laws that must catch a mutant and did not, though they were asked."""
    return [
        law
        for law in mutant.laws
        if law in mutant.verdicts and mutant.verdicts[law] is not LawVerdict.FAIL
    ]


def false_alarms(mutant: MutantRecord) -> list[str]:
    """Return the laws that a correct mutant was found to break."""
    if mutant.laws:
        return []
    return [law for law, verdict in mutant.verdicts.items() if verdict is LawVerdict.FAIL]


def short_of_kills(mutants: Sequence[MutantRecord], *, is_all: bool) -> list[str]:
    """Return what is wrong with the kills. ``is_all``: nothing was left out by choice."""
    told = [f"{each.name} survives" for each in bugs(mutants) if each.killed_by is None]
    for each in mutants:
        told += [f"{each.name} is correct and breaks {law}" for law in false_alarms(each)]
        if each.killed_by is not None:
            told += [f"{each.name} is not caught by {law}" for law in missed_by_named(each)]
        if each.line_count > MOST_LINES:
            told.append(f"{each.name} is shown in {each.line_count} lines")
    counts = first_kills(mutants)
    if is_all and counts.total() >= FEWEST_FOR_A_SHARE:
        told += [
            f"{law} is the first killer of {count} of {counts.total()}"
            for law, count in counts.items()
            if count > MOST_OF_A_LAW * counts.total()
        ]
    return told


def missed_by_baselines(records: Sequence[DiscoveryRecord]) -> list[str]:
    """Return the mutants that the laws found, and no baseline in any of its trials."""
    by = {(each.name, each.instrument): each for each in records}
    names = [each.name for each in records if each.instrument == LAWS and found_count(each)]
    return [
        name
        for name in names
        if all((name, other) in by for other in BASELINES)
        and not any(found_count(by[name, other]) for other in BASELINES)
    ]


def found_often(records: Sequence[DiscoveryRecord]) -> list[str]:
    """Return the mutants that the laws found in as many seeds as they must."""
    return [
        each.name
        for each in records
        if each.instrument == LAWS and found_count(each) >= SEEDS_SHARE * len(each.cpu_s)
    ]


def median_of_all(records: Sequence[DiscoveryRecord]) -> float | None:
    """Return the median over all trials of the laws, of the processor time to a kill."""
    return median_s([time for each in records if each.instrument == LAWS for time in each.cpu_s])


def short_of_discovery(records: Sequence[DiscoveryRecord], *, is_all: bool) -> list[str]:
    """Return which bars of the statistic are missed."""
    if not records or not is_all:
        return []
    count = sum(each.instrument == LAWS for each in records)
    often, median, missed = (
        len(found_often(records)),
        median_of_all(records),
        len(missed_by_baselines(records)),
    )
    told = []
    if often < MUTANTS_SHARE * count:
        told.append(f"{often} of {count} mutants are found in 19 of 20 seeds, 90 % must be")
    if median is None or median > MEDIAN_S:
        told.append(f"the median time to a kill is {median} s, {MEDIAN_S:.0f} s is the most")
    has_baselines = any(each.instrument != LAWS for each in records)
    if has_baselines and missed < FEWEST_MISSED:
        told.append(f"both baselines miss {missed} mutants, {FEWEST_MISSED} is the fewest")
    return told
