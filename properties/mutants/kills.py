"""Each mutant is asked the laws, in order, until one fails; or all of them, for the matrix.

A kill counts when the law holds for the untouched subject in the same session, and its failure is
its own. A law that runs over, or whose judge fails, kills nobody; the next one is asked.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from properties.mutants.order import in_order
from properties.mutants.registry import Mutant
from properties.mutants.runner import Runner
from properties.mutants.trials import FEWER, Result, Said, Trial
from properties.recording import NOT_JUDGED
from reports.schema import LawVerdict, MutantRecord

CPU_LIMIT_S = 300.0
LAW_LIMIT_S = 120.0
UNSHRUNK = "unshrunk"
"""The profile that tries as much as the usual one, and shows what it found."""
_RANK = (LawVerdict.NOT_ASKED, LawVerdict.PASS, LawVerdict.UNKNOWN, LawVerdict.FAIL)
_STEP = re.compile(r"^[ *!]\s+\d+\.\d{3}  ")
_LEFT_OUT = re.compile(r"^\s+\.\.\. (\d+) steps?$")
_REAL = re.compile(r"^\s{0,8}\d+(\.\d+)?  \S")
_EARLIER = re.compile(r"^\s+…  (\d+) earlier moments$")


@dataclass(slots=True)
class Case:
    """A mutant, or an untouched subject, and what came of its trials so far."""

    name: str
    subject: str
    mutant: Mutant | None = None
    results: list[Result] = field(default_factory=list)
    is_named_asked: bool = False

    def said(self) -> list[Said]:
        """Return what laws said, in order, without those that could not be judged for a cut."""
        return [
            each for result in self.results for each in result.said if NOT_JUDGED not in each.text
        ]

    def verdicts(self) -> dict[str, LawVerdict]:
        """Return the worst of what each law said; one that ran over is unknown."""
        found: dict[str, LawVerdict] = {}
        told = [(each.law, each.verdict) for each in self.said()]
        told += [(each.asking, LawVerdict.UNKNOWN) for each in self.results if _was_cut(each)]
        for law, verdict in told:
            if law not in found or _RANK.index(verdict) > _RANK.index(found[law]):
                found[law] = verdict
        return found

    def not_green(self) -> list[str]:
        """Return each law that does not hold, and all that it said."""
        return [
            f"{self.name}: {law}: {verdict.value}: "
            + "; ".join(
                each.text for each in self.said() if (each.law, each.verdict) == (law, verdict)
            )
            for law, verdict in self.verdicts().items()
            if verdict in (LawVerdict.FAIL, LawVerdict.UNKNOWN)
        ]

    def kill(self) -> tuple[Said, Result] | None:
        """Return the first failure that is a law's own, and where it was said."""
        for result in self.results:
            found = result.first_failure()
            if found is not None:
                return found, result
        return None


def _was_cut(result: Result) -> bool:
    return result.ended in ("law cap", "cap", "died") and bool(result.asking)


def ask(
    runner: Runner,
    mutants: Sequence[Mutant],
    laws: list[str],
    *,
    seed: int,
    is_matrix: bool,
    tell: Callable[[str], None],
) -> tuple[list[Case], list[Case]]:
    """Ask the untouched subjects everything, then each mutant; return both."""
    steps = tuple(in_order(laws))
    everything = tuple(dict.fromkeys(step.partition(FEWER)[0] for step in steps))
    untouched = [Case(name, name) for name in dict.fromkeys(mutant.subject for mutant in mutants)]
    cases = [Case(each.name, each.subject_name, each) for each in mutants]
    by_subject = {each.subject: each for each in [*untouched, *cases]}
    ends = {True: "end", False: "failure"}

    def trial(case: Case, laws: Iterable[str], ends_at: str) -> Trial:
        return Trial(
            subject=case.subject,
            laws=tuple(laws),
            seed=seed,
            ends_at=ends_at,
            cap_cpu_s=CPU_LIMIT_S,
            law_cap_s=LAW_LIMIT_S,
        )

    queue = deque(trial(case, steps, "end") for case in untouched)
    queue.extend(trial(case, everything if is_matrix else steps, ends[is_matrix]) for case in cases)
    for result in runner.run(queue):
        case = by_subject[result.trial.subject]
        case.results.append(result)
        left = _left(case, result, is_matrix=is_matrix)
        if left:
            queue.appendleft(trial(case, left, result.trial.ends_at))
            continue
        named = _named_left(case, everything)
        if named and not is_matrix:
            case.is_named_asked = True
            # Whether they catch it is all that is asked; what they show is of the first.
            queue.appendleft(trial(case, [f"{law}{FEWER}{UNSHRUNK}" for law in named], "end"))
            continue
        tell(_told(case))
    return untouched, cases


def _left(case: Case, result: Result, *, is_matrix: bool) -> tuple[str, ...]:
    """Return what is still to be asked after a law that ran over, if anybody wants to know."""
    if not _was_cut(result) or (case.kill() is not None and case.mutant and not is_matrix):
        return ()
    laws = result.trial.laws
    asked = [each.law for each in result.said]
    place = len(asked) if len(asked) < len(laws) else len(laws) - 1
    return laws[place + 1 :]


def _named_left(case: Case, laws: Sequence[str]) -> tuple[str, ...]:
    if case.mutant is None or case.is_named_asked:
        return ()
    found = case.verdicts()
    return tuple(
        law for law in case.mutant.laws if law in laws and found.get(law) is not LawVerdict.FAIL
    )


def _told(case: Case) -> str:
    kill = case.kill()
    if case.mutant is None:
        said = Counter(each.value for each in case.verdicts().values())
        return f"{case.name}: untouched, {', '.join(f'{n} {what}' for what, n in said.items())}"
    return f"{case.name}: {'no law failed' if kill is None else kill[0].law}"


def record_of(case: Case) -> MutantRecord:
    """Return what became of a mutant."""
    mutant = case.mutant
    if mutant is None:
        raise ValueError(f"{case.name} is no mutant")
    kill = case.kill()
    errors = [each.error for each in case.results if each.error]
    made = MutantRecord(
        name=mutant.name,
        family=mutant.family.value,
        sentence=mutant.sentence,
        subject=mutant.subject,
        laws=list(mutant.laws),
        realistic=mutant.realistic,
        shows=mutant.shows,
        verdicts=case.verdicts(),
        reason="; ".join(errors) or None,
    )
    if kill is None:
        return made
    said, result = kill
    seen = result.sighting_of(said.law) or next(iter(result.sightings), None)
    return MutantRecord(
        **{name: getattr(made, name) for name in made.__struct_fields__ if name not in _OF_A_KILL},
        killed_by=said.law,
        cpu_s=seen.cpu_s if seen else said.cpu_s,
        elapsed_s=seen.elapsed_s if seen else said.elapsed_s,
        examples=seen.examples if seen else 0,
        schedules=seen.schedules if seen else 0,
        line_count=line_count(said.text),
        counterexample=said.text,
    )


_OF_A_KILL = frozenset(
    {
        "killed_by",
        "cpu_s",
        "elapsed_s",
        "examples",
        "schedules",
        "line_count",
        "counterexample",
    }
)


def line_count(text: str) -> int:
    """Return how many steps a counterexample's timeline has, those left out included.

    A step is a line with a time of the simulation or a tick of the real clock; 0 where a law needs
    no timeline to say what is wrong. What every law still held after is no part of it.
    """
    steps = 0
    for line in text.splitlines():
        left_out = _LEFT_OUT.match(line) or _EARLIER.match(line)
        if left_out:
            steps += int(left_out[1])
        elif _STEP.match(line) or _REAL.match(line):
            steps += 1
        elif steps:
            break  # a law that broke in several places shows the first, and then the others
    return steps
