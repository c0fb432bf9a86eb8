"""``python -m properties.mutants``: what the laws find of bugs that were put in on purpose.

Without ``--seeds`` each mutant is asked the laws until one kills it, and then those that must catch
it; ``--matrix`` asks all laws of all. With ``--seeds N`` each is searched for N times within 5 s,
beside two baselines. What is interrupted goes on where it was; ``--fresh`` begins anew.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import pytest

from properties.__main__ import SPECS, law_names
from properties.environment import environment
from properties.mutants import bars, documents, tables
from properties.mutants.child import DEFAULT_PROFILE
from properties.mutants.discovery import discover, stratified
from properties.mutants.kills import ask, record_of
from properties.mutants.order import askable
from properties.mutants.progress import Progress
from properties.mutants.registry import Family, Mutant, all_mutants
from properties.mutants.runner import Runner
from properties.recording import RECORDER, outside_stream
from properties.session import OUT, ROOT, UsageError, at_least, finish, interruptible, parser, run
from properties.subjects.named import subject_named
from reports.schema import (
    DiscoveryRecord,
    Figure,
    LawVerdict,
    MutantRecord,
    MutantsRecord,
    Verdict,
)

SAY_EVERY_S = 4.0


def _parser() -> argparse.ArgumentParser:
    made = parser("mutants", __doc__ or "")
    made.add_argument("--mutant", action="append", default=[], metavar="NAME", help="only this one")
    families = sorted(family.name for family in Family)
    made.add_argument("--family", action="append", default=[], choices=families, help="only these")
    made.add_argument("--law", action="append", default=[], metavar="NAME", help="only this law")
    made.add_argument("--matrix", action="store_true", help="ask every law of every mutant")
    made.add_argument("--seeds", type=at_least(1), metavar="N", help="search for each N times")
    made.add_argument(
        "--baseline-seeds", type=at_least(0), default=5, metavar="N", help="trials a baseline"
    )
    made.add_argument(
        "--sample", type=at_least(1), default=3, metavar="N", help="mutants a family for baselines"
    )
    made.add_argument("--seed", type=int, default=0, help="of the kills, and the first of --seeds")
    made.add_argument("--jobs", type=at_least(1), default=os.cpu_count() or 1, metavar="N")
    made.add_argument("--fresh", action="store_true", help="forget what an interrupted run knew")
    made.add_argument("--progress", type=Path, help=argparse.SUPPRESS)
    made.add_argument(
        "--write-docs", action="store_true", help="write the tables of docs/mutants.md"
    )
    made.add_argument("--list", action="store_true", help="list the mutants, ask nothing")
    return made


def _kind_of(options: argparse.Namespace) -> str:
    """Return whose progress it is: to finish one is no reason to forget another."""
    if options.seeds is not None:
        return "seeds"
    return "matrix" if options.matrix else "kills"


def _chosen(options: argparse.Namespace) -> list[Mutant]:
    known = all_mutants()
    for name in options.mutant:
        if name not in known:
            raise UsageError(f"no mutant is named {name!r}; --list shows all {len(known)}.")
    found = [
        each
        for each in known.values()
        if (not options.mutant or each.name in options.mutant)
        and (not options.family or each.family.name in options.family)
    ]
    if not found:
        raise UsageError("no mutant is left to ask; --list shows all.")
    order = {family: place for place, family in enumerate(Family)}
    return sorted(found, key=lambda each: (each.is_correct, order[each.family]))


class _Session:
    """A pytest plugin: collects the laws once, and then forks instead of running them."""

    def __init__(self, work: Callable[[pytest.Session], None]) -> None:
        self._work = work
        self.has_run = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do the work, and tell pytest that the tests are run."""
        if session.testsfailed:
            return True  # a law that cannot be imported: pytest says so
        self._work(session)
        self.has_run = True
        return True


def _collected(
    mutants: Sequence[Mutant], laws: Sequence[str], work: Callable[[pytest.Session], None]
) -> str | None:
    """Collect the laws for all subjects and let ``work`` run; return what pytest said if not."""
    for mutant in mutants:
        subject_named(mutant.subject_name)
    RECORDER.only_laws = frozenset(laws)
    RECORDER.only_subjects = frozenset()
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    arguments = [
        str(SPECS),
        f"--rootdir={ROOT}",
        f"--law-profile={DEFAULT_PROFILE}",
        "--override-ini=addopts=--import-mode=importlib --strict-config --strict-markers",
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"),
        *("--tb=short", "--capture=no"),
    ]
    session, printed = _Session(work), io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = pytest.main(arguments, plugins=[RECORDER, session])
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return None if session.has_run else printed.getvalue()


class _Life:
    """Says on standard error what is under way: no thread, since whoever forks must have none."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said_s = self._began_s = time.monotonic()

    def __call__(self, what: str) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            self._stream.write(f"mutants: {now_s - self._began_s:.0f} s, {what}\n")
            self._stream.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    chosen = _chosen(options)
    if options.list:
        for each in chosen:
            print(f"  {each.family.name:<12} {each.name:<50} {each.sentence}")
        return 0
    if options.progress is None:
        options.progress = OUT / f"mutants.{_kind_of(options)}.progress.jsonl"
    if options.fresh:
        options.progress.unlink(missing_ok=True)
    laws = askable(law_names())
    for name in options.law:
        if name not in laws:
            raise UsageError(f"no law that mutants are asked is named {name!r}.")
    laws = options.law or laws
    found = _Found(options, chosen)
    with interruptible():
        found.trouble = _collected(chosen, laws, lambda session: found.ask(session, laws))
    if options.write_docs and found.trouble is None:
        documents.write(found.mutants, found.discoveries, found.where())
    return finish(found.record(), options.record, show=found.show)


class _Found:
    """What the session found, and what it says about it."""

    def __init__(self, options: argparse.Namespace, chosen: list[Mutant]) -> None:
        self.options = options
        self.chosen = chosen
        self.trouble: str | None = None
        self.untouched: dict[str, dict[str, LawVerdict]] = {}
        self.mutants: list[MutantRecord] = []
        self.discoveries: list[DiscoveryRecord] = []
        self.alarms: list[str] = []
        self.began_s = time.monotonic()
        self.here = environment(hypothesis_profile=DEFAULT_PROFILE)

    @property
    def is_all(self) -> bool:
        """Whether nothing was left out by choice."""
        return not (self.options.mutant or self.options.family or self.options.law)

    def ask(self, session: pytest.Session, laws: list[str]) -> None:
        """Do what the options say, and go on where an earlier call was interrupted."""
        # Here and not above: it imports Hypothesis, which pytest must do first.
        from properties.mutants.baselines import BASELINES

        progress, is_finished = Progress(self.options.progress), False
        runner = Runner(
            session, job_count=self.options.jobs, baselines=BASELINES, progress=progress
        )
        try:
            self._ask(runner, laws)
            is_finished = True
        finally:
            progress.close(is_finished=is_finished)

    def _ask(self, runner: Runner, laws: list[str]) -> None:
        with outside_stream() as stream:
            life = _Life(stream)
            if self.options.seeds is None:
                untouched, cases = ask(
                    runner,
                    self.chosen,
                    laws,
                    seed=self.options.seed,
                    is_matrix=self.options.matrix,
                    tell=life,
                )
                self.untouched = {each.name: each.verdicts() for each in untouched}
                self.alarms = [line for each in untouched for line in each.not_green()]
                self.mutants = [record_of(each) for each in cases]
                return
            bugs = [each for each in self.chosen if not each.is_correct]
            first = self.options.seed
            self.discoveries, self.alarms = discover(
                runner,
                bugs,
                laws,
                seeds=range(first, first + self.options.seeds),
                sample=stratified(bugs, self.options.sample),
                baseline_seeds=range(first, first + self.options.baseline_seeds),
                tell=life,
            )

    @property
    def short(self) -> list[str]:
        """Which bars are missed."""
        return [
            *bars.short_of_kills(self.mutants, is_all=self.is_all),
            *bars.short_of_discovery(self.discoveries, is_all=self.is_all),
        ]

    @property
    def doubts(self) -> list[str]:
        """What could not be asked."""
        told = [f"{each.name}: {each.reason}" for each in self.mutants if each.reason]
        for each in self.mutants:
            unsure = [law for law, said in each.verdicts.items() if said is LawVerdict.UNKNOWN]
            if unsure and not each.laws:
                told.append(f"{each.name}: nobody knows of {', '.join(unsure)}")
        return told

    def verdict(self) -> Verdict:
        """Return the session's verdict."""
        if self.trouble is not None or self.alarms:
            return Verdict.INVALID
        if self.short:
            return Verdict.FAIL
        return Verdict.UNKNOWN if self.doubts else Verdict.PASS

    def figures(self) -> dict[str, Figure]:
        """Return the figures of the record."""
        made: dict[str, Figure] = {"elapsed_s": round(time.monotonic() - self.began_s, 1)}
        if self.mutants:
            bugs = bars.bugs(self.mutants)
            made |= {
                "mutants": len(bugs),
                "killed": sum(each.killed_by is not None for each in bugs),
                "killed by a named law": sum(each.killed_by in each.laws for each in bugs),
                "correct": len(self.mutants) - len(bugs),
                "false alarms": sum(bool(bars.false_alarms(each)) for each in self.mutants),
            }
            counts = bars.first_kills(self.mutants)
            made |= {f"first kills: {law}": count for law, count in counts.most_common()}
        if self.discoveries:
            made |= {
                "mutants": sum(each.instrument == "laws" for each in self.discoveries),
                "seeds": self.options.seeds,
                "found in 19 of 20": len(bars.found_often(self.discoveries)),
                "median cpu_s": bars.median_of_all(self.discoveries),
                "missed by both baselines": len(bars.missed_by_baselines(self.discoveries)),
            }
        return made

    def summary(self) -> str:
        """Return the figures of the last line."""
        if self.trouble is not None:
            return "the laws could not be collected"
        figures = self.figures()
        told = []
        if self.mutants:
            told.append(f"{figures['killed']} of {figures['mutants']} mutants killed")
            told.append(f"{figures['false alarms']} false alarms of {figures['correct']} correct")
        if self.discoveries:
            told.append(
                f"{figures['found in 19 of 20']} of {figures['mutants']} found in 19 of 20 seeds"
            )
            told.append(f"median {figures['median cpu_s']} s")
            told.append(f"{figures['missed by both baselines']} missed by both baselines")
        told += [f"{len(self.alarms)} untouched not green"] if self.alarms else []
        told += [f"{len(self.short)} short of the bars"] if self.short else []
        return f"{', '.join(told)}; {figures['elapsed_s']:.0f} s"

    def record(self) -> MutantsRecord:
        """Return the record."""
        return MutantsRecord(
            name="mutants",
            verdict=self.verdict(),
            summary=self.summary(),
            figures=self.figures(),
            versions=self.here.versions(),
            environment=self.here,
            is_matrix=self.options.matrix,
            untouched=self.untouched,
            mutants=self.mutants,
            discoveries=self.discoveries,
        )

    def where(self) -> str:
        """Say what the figures were made with."""
        versions = self.here.versions()
        names = ("python", "sqlite", "aiosqlite", "python-statemachine")
        load = (self.here.load_average or [0.0])[0]
        return (
            f"Measured with {', '.join(f'{name} {versions[name]}' for name in names)}; "
            f"{self.here.cpu_count} CPUs, load {load:.1f}."
        )

    def show(self) -> None:
        """Print what a reader wants to know."""
        if self.trouble is not None:
            print(self.trouble, file=sys.stderr)
        if self.mutants:
            print(*tables.kills(self.mutants), *tables.first_kills(self.mutants), sep="\n")
            if self.options.matrix:
                print(*tables.matrix(self.mutants), sep="\n")
            if len(self.mutants) == 1 and self.mutants[0].counterexample:
                print("", self.mutants[0].counterexample, sep="\n")
        if self.discoveries:
            print(*tables.discoveries(self.discoveries), sep="\n")
        print(self.where())
        for title, lines in (
            ("not green", self.alarms),
            ("short", self.short),
            ("unknown", self.doubts),
        ):
            print(*(f"{title}: {line}" for line in lines), sep="\n", end="\n" if lines else "")


if __name__ == "__main__":
    run("mutants", main)
