"""Asking one law at one release: the environment, the process, and what its record proves.

An environment is made when a pair first needs it and removed when no later pair does. A process
is believed about the release that its own record proves it ran.
"""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

from reports import environments, evidence, session
from reports.documents.words import brief
from reports.environments import Builder, BuiltEnvironment, EnvironmentUnavailableError
from reports.laws import LawsRun, read_run
from reports.processes import Pulse, run
from reports.regressions import CPYTHON, SQLITE, Pair
from reports.schema import LawRecord, LawVerdict, PairComparison, PairOutcome
from reports.session import UsageError

LAW_LIMIT_S = 120.0
ALL_LAWS_LIMIT_S = 600.0
SPECS = "properties/specs"
ASSUMED = "assume_"
OWN = "the lock"


class NotAskedError(Exception):
    """The law was not asked of this release; the message says why. Nothing is known."""


class Asking:
    """Judges pairs. One at a time; every process and every environment ends with it."""

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        scratch: Path,
        seed: int,
        asks_all: bool,
        pulse: Pulse,
    ) -> None:
        """`pairs` are those that will be judged, in any order: they say what is needed later."""
        self._scratch = scratch
        self._seed = seed
        self._asks_all = asks_all
        self._pulse = pulse
        self._uses = Counter(
            _wanted(pair, side) for pair in pairs for side in (pair.bad, pair.good)
        )
        self._made: dict[tuple[str, str], BuiltEnvironment] = {}
        self._lock: str | None = None
        self._count = 0

    def judge(self, pair: Pair) -> PairComparison:
        """What the law says at both releases, and whether that tells them apart."""
        started = time.monotonic()
        laws: dict[str, LawRecord | None] = {"bad": None, "good": None}
        others: dict[str, dict[str, LawVerdict]] = {}
        reasons = []
        for side, version in (("bad", pair.bad), ("good", pair.good)):
            try:
                found = self._ask(pair, version)
                laws[side] = found.get(pair.law)
                others[side] = {name: law.verdict for name, law in found.items()}
                if laws[side] is None:
                    reasons.append(f"{pair.law} was not reported at {version}")
            except (NotAskedError, EnvironmentUnavailableError, UsageError) as error:
                reasons.append(f"{pair.package} {version}: {error}")
            finally:
                self._release(_wanted(pair, version))
        outcome, why = told_apart(pair, laws["bad"], laws["good"])
        bad, good = laws["bad"], laws["good"]
        return PairComparison(
            name=pair.name,
            package=pair.package,
            bad=pair.bad,
            good=pair.good,
            law=pair.law,
            what=pair.what,
            reference=pair.reference,
            is_on_purpose=pair.is_on_purpose,
            outcome=outcome,
            at_bad=bad.verdict if bad else None,
            at_good=good.verdict if good else None,
            elapsed_ms=round(1000 * (time.monotonic() - started)),
            failure=bad.failure if bad else None,
            reason="; ".join(reasons) or why,
            also=_differing(others, pair.law) if self._asks_all and len(others) == 2 else None,
        )

    def _ask(self, pair: Pair, version: str) -> dict[str, LawRecord]:
        """The laws by name. Raises what says that nothing is known."""
        wanted = _wanted(pair, version)
        if wanted not in self._made:
            self._pulse(f"making {' '.join(wanted)}")
            self._made[wanted] = self._build(pair, version)
        built = self._made[wanted]
        found = self._run(pair, version, built, [pair.law])
        if self._asks_all and pair.workload is None:
            names = [name for name in assumption_laws(session.ROOT) if name != pair.law]
            found |= self._run(pair, version, built, names)
        return found

    def _build(self, pair: Pair, version: str) -> BuiltEnvironment:
        builder = Builder(
            root=session.ROOT,
            cache=self._scratch,
            pulse=self._pulse,
            is_compiled=False,
            python=version if pair.package == CPYTHON else sys.executable,
        )
        if self._lock is None:
            self._lock = builder.lock_requirements()
        if not pair.is_installed:
            return builder.build(self._lock)
        name = pair.package
        asked = {name: Requirement(f"{name}=={version}")}
        return builder.build(builder.candidate_requirements(self._lock, asked))

    def _run(
        self, pair: Pair, version: str, built: BuiltEnvironment, laws: Sequence[str]
    ) -> dict[str, LawRecord]:
        self._count += 1
        folder = self._scratch / f"run-{self._count}"
        folder.mkdir()
        out = folder / "laws.json"
        limit_s = LAW_LIMIT_S if len(laws) == 1 else ALL_LAWS_LIMIT_S
        if pair.workload is not None:
            limit_s += 2 * pair.workload.seconds * pair.workload.runs
        ended = run(
            [str(built.python), *arguments(pair, version, laws, out=out, seed=self._seed)],
            folder=session.ROOT,
            environ=environments.measured_environ(self._seed),
            log=folder / "laws.log",
            limit_s=limit_s,
            pulse=lambda words: self._pulse(f"{pair.package} {version}: {words}"),
        )
        answer = read_run(out, ended)
        shutil.rmtree(folder, ignore_errors=True)
        if answer.record is None:
            raise NotAskedError(f"the process {answer.problem}")
        if wrong := _contradictions(pair, version, built, answer):
            raise NotAskedError(f"another release was asked: {'; '.join(wrong)}")
        return {law.law: law for law in answer.record.laws}

    def _release(self, wanted: tuple[str, str]) -> None:
        self._uses[wanted] -= 1
        if self._uses[wanted] == 0 and wanted in self._made:
            self._made.pop(wanted).remove()


def told_apart(
    pair: Pair, bad: LawRecord | None, good: LawRecord | None
) -> tuple[PairOutcome, str | None]:
    """Whether the law tells the releases apart, and if not, why. What was not seen is unknown."""
    for law, version in ((bad, pair.bad), (good, pair.good)):
        if law is None or law.verdict not in {LawVerdict.PASS, LawVerdict.FAIL}:
            why = "was not reported" if law is None else f"is {law.verdict.value}: {law.reason}"
            return PairOutcome.UNKNOWN, f"{pair.law} {why} at {version}"
    if bad is None or good is None:  # for the type checker: it was asked above
        raise AssertionError
    if good.verdict is LawVerdict.FAIL:
        told = brief(good.failure or "")
        return PairOutcome.MISSED, f"{pair.law} fails at {pair.good} too: {told}"
    if bad.verdict is LawVerdict.PASS and pair.workload is not None:
        load = pair.workload
        luck = f"{load.runs} runs of {load.seconds:g} s showed nothing, and it needs luck"
        return PairOutcome.UNKNOWN, f"{pair.law} holds at {pair.bad}: {luck}"
    if bad.verdict is LawVerdict.PASS:
        return PairOutcome.MISSED, f"{pair.law} holds at {pair.bad}"
    if pair.shows not in (bad.failure or ""):
        return PairOutcome.MISSED, f"{pair.law} fails for another reason than {pair.shows!r}"
    return PairOutcome.TOLD_APART, None


def arguments(pair: Pair, version: str, laws: Sequence[str], *, out: Path, seed: int) -> list[str]:
    """What follows the interpreter: the laws, on another SQLite where the pair is about it."""
    shared = ["--record", str(out), "--seed", str(seed)]
    if pair.workload is not None:
        load = pair.workload
        size = ["--seconds", f"{load.seconds:g}", "--runs", str(load.runs)]
        which = ["--sqlite", version, "--workload", load.name]
        return ["-m", "properties.durability", *which, *size, *shared]
    asked = [word for law in laws for word in ("--law", law)]
    question = ["properties", "--profile", "gate", *shared, *asked]
    if pair.package == SQLITE:
        return ["-m", "properties.durability.on", version, *question]
    return ["-m", *question]


def assumption_laws(checkout: Path) -> list[str]:
    """The laws that ask a library and not our machine, by their files."""
    names = (path.stem.removeprefix("test_") for path in (checkout / SPECS).glob("test_*.py"))
    return sorted(name for name in names if name.startswith(ASSUMED))


def _wanted(pair: Pair, version: str) -> tuple[str, str]:
    """The environment that a side needs: SQLite is put under the one of the lock."""
    name = OWN if pair.package == SQLITE else pair.package
    return (name, "" if pair.package == SQLITE else version)


def _contradictions(
    pair: Pair, version: str, built: BuiltEnvironment, answer: LawsRun
) -> list[str]:
    proof = answer.record.environment if answer.record else None
    wrong = evidence.contradictions(proof, built.installed)
    if proof is None:
        return wrong
    ran = {
        SQLITE: proof.sqlite_version,
        CPYTHON: proof.python_version,
    }.get(pair.package)
    if ran is None:
        library = proof.library(pair.package)
        ran = None if library is None else library.version
    return [*wrong, f"{pair.package} {ran} ran, not {version}"] if ran != version else wrong


def _differing(others: dict[str, dict[str, LawVerdict]], named: str) -> list[str]:
    bad, good = others["bad"], others["good"]
    return [
        f"{name} ({_word(bad.get(name))} | {_word(good.get(name))})"
        for name in sorted((bad.keys() | good.keys()) - {named})
        if bad.get(name) != good.get(name)
    ]


def _word(verdict: LawVerdict | None) -> str:
    return "not reported" if verdict is None else verdict.value
