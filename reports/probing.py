"""What one release does, asked once: its laws, its behaviour, its clocks over another release.

Each answer is kept as soon as it is there, in a folder for the question, the lock and the laws: who
asks again after an interruption goes on, who changed a law begins anew. Why a release cannot be
asked is not kept: the next run tries again.
"""

import contextlib
import datetime
import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from packaging.requirements import Requirement
from packaging.version import Version

from reports import evidence, laws, policy, schema, sources, transcripts
from reports.environments import Builder, BuiltEnvironment, EnvironmentUnavailableError
from reports.ledger import Ledger
from reports.load import short_name
from reports.pairs import Epoch, Pairing, Side
from reports.processes import clean_environ, run
from reports.progress import Progress
from reports.schema import (
    BehaviourChange,
    BehaviourRecord,
    BenchmarkComparison,
    ClocksRecord,
    LawRecord,
    LawsRecord,
    RecordError,
    SessionRecord,
    Verdict,
)
from reports.session import UsageError
from reports.timing import measure

RecordT = TypeVar("RecordT", bound=SessionRecord)

LIMIT_S = 1800.0
CONTROL = "control"
INSTALLING = "installing"


class NothingKnownError(Exception):
    """A release cannot be asked; the message says why."""


@dataclass(kw_only=True)
class Prober:
    """Asks releases of one package, each in place of the one in the lock.

    ``clocks_s`` is how long one comparison of two releases may take.
    """

    package: str
    builder: Builder
    seed: int
    progress: Progress
    clocks_s: float
    _problems: dict[tuple[Version, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the folder of what is known already."""
        self.lock = self.builder.lock_requirements()
        told = [self.package, str(self.seed), self.lock, sources.digest(self.builder.root)]
        key = hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]
        self.folder = self.builder.cache / "bisect" / key

    def laws(self, release: Version, names: Sequence[str] = ()) -> dict[str, LawRecord]:
        """What the laws say, by law and subject; no names are all. Raises ``NothingKnownError``."""
        asked = [word for name in sorted(names) for word in ("--law", name)]
        question = ["properties", "--profile", "gate", "--seed", str(self.seed), *asked]
        found = self._asked(release, _word("laws", names), question, LawsRecord)
        return {laws.full_name(each): each for each in found.laws}

    def changes(self, first: Version, release: Version) -> list[BehaviourChange]:
        """What ``release`` does otherwise than ``first``. Raises ``NothingKnownError``."""
        module = "properties.behaviour"
        start = self._asked(first, "behaviour", [module, "--seed", str(self.seed)], BehaviourRecord)
        replayed = [module, "--schedules", str(self._kept(first, "behaviour"))]
        name = f"behaviour-as-{first}"
        return transcripts.compare(start, self._asked(release, name, replayed, BehaviourRecord))

    def clocks(
        self, first: Version, release: Version, names: Sequence[str] = ()
    ) -> dict[str, BenchmarkComparison]:
        """The benchmarks of ``release`` over ``first``, by short name; no names are all.

        Raises ``NothingKnownError``, also where the machine was too restless to believe a clock.
        """
        kept = self._kept(release, _word(f"clocks-over-{first}", names))
        try:
            found = schema.read(kept, ClocksRecord)
        except RecordError:
            found = self._timed(first, release, names)
            schema.write(kept, found)
        return {short_name(row.name): row for row in found.benchmarks if not row.is_control}

    def forget(self) -> None:
        """Remove what is kept, once it has been told."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # unless another question is kept there

    def _kept(self, release: Version, what: str) -> Path:
        return self.folder / f"{release}.{what}.json"

    def _asked(
        self, release: Version, what: str, question: Sequence[str], kind: type[RecordT]
    ) -> RecordT:
        """The record of a process in the release's environment, kept or made now."""
        kept = self._kept(release, what)
        with contextlib.suppress(RecordError):  # not there, or not whole
            return schema.read(kept, kind)
        self._give_up_again(release, what)
        built = self._built(release)
        with _scratch() as folder:
            out = folder / "record.json"
            ended = run(
                [str(built.python), "-m", *question, "--record", str(out)],
                folder=self.builder.root,
                environ=clean_environ(PYTHONHASHSEED=str(self.seed), PYTHONNOUSERSITE="1"),
                log=folder / "log",
                limit_s=LIMIT_S,
                pulse=self.progress.detail,
            )
            if ended.exit_code == Verdict.USAGE.exit_code and not out.exists():
                raise UsageError(ended.refusal)
            try:
                found = schema.read(out, kind)
            except RecordError as error:
                raise self._problem(release, what, f"{error.what}; {ended.last_words}") from error
        if ended.exit_code != found.verdict.exit_code:
            raise self._problem(release, what, f"it did not end well: {ended.last_words}")
        if wrong := evidence.contradictions(found.environment, built.installed):
            raise self._problem(release, what, "; ".join(wrong))
        schema.write(kept, found)
        return found

    def _built(self, release: Version) -> BuiltEnvironment:
        self._give_up_again(release, INSTALLING)
        asked = {self.package: Requirement(f"{self.package}=={release}")}
        try:
            return self.builder.build(self.builder.candidate_requirements(self.lock, asked))
        except (EnvironmentUnavailableError, UsageError) as error:
            raise self._problem(release, INSTALLING, str(error)) from error

    def _problem(self, release: Version, what: str, why: str) -> NothingKnownError:
        self._problems[release, what] = why
        self.progress.say(f"{self.package} {release}, {what}: nothing is known: {why}")
        return NothingKnownError(why)

    def _give_up_again(self, release: Version, what: str) -> None:
        if (release, what) in self._problems:
            raise NothingKnownError(self._problems[release, what])

    def _timed(self, first: Version, release: Version, names: Sequence[str]) -> ClocksRecord:
        built = {Side.BASELINE: self._built(first), Side.CANDIDATE: self._built(release)}
        end = time.monotonic() + self.clocks_s
        today = datetime.datetime.now(datetime.UTC).date()
        only = [*names, CONTROL] if names else None
        rules = policy.load()
        with _scratch() as folder:
            pairing = Pairing(
                starts={side: each.start for side, each in built.items()},
                checkout=self.builder.root,
                scratch=folder,
                limit_s=rules.limits.benchmarks_s,
                draw=random.Random(self.seed),
                pulse=self.progress.detail,
            )

            def epoch(wanted: Sequence[str] | None) -> Epoch:
                found = pairing.epoch(only if wanted is None else wanted)
                for side, measured in found.sides.items():
                    if measured.failure is None:
                        installed = built[side].installed
                        if wrong := evidence.contradictions(measured.environment, installed):
                            raise NothingKnownError("; ".join(wrong))
                return found

            timing = measure(
                epoch,
                rules.time,
                left_s=lambda: end - time.monotonic(),
                say=self.progress.say,
                at=self.progress.at,
                ledger=Ledger(lines=[], changes=[], today=today),
            )
        disbelieved = [each.text for each in timing.reasons if each.verdict is Verdict.INVALID]
        if disbelieved or not timing.rows:
            why = [*disbelieved, *(each.text for each in timing.reasons)]
            raise NothingKnownError("; ".join(why[:1]) or "nothing was timed")
        return ClocksRecord(
            name="clocks",
            verdict=Verdict.PASS,
            summary=f"{release} over {first}, {timing.epoch_count} epochs",
            benchmarks=timing.rows,
        )


def _word(what: str, names: Sequence[str]) -> str:
    """A file name for a choice of names."""
    if not names:
        return what
    return f"{what}-{hashlib.sha256(' '.join(sorted(names)).encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fsmcore-bisect-") as folder:
        yield Path(folder)
