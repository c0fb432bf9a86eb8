"""What each law said, gathered while pytest runs; and a line that shows it is alive."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Self, TextIO

import pytest

from properties.cases import Cases
from properties.law import IN_PART, NOT_OFFERED, OFFER_BREAK, Law, law_of
from properties.text import told
from reports.schema import NEXT_FAILURE, LawRecord, LawVerdict

if TYPE_CHECKING:
    from properties.rules.exploration import Exploration

_RANK = (LawVerdict.PASS, LawVerdict.NOT_ASKED, LawVerdict.UNKNOWN, LawVerdict.FAIL)
NO_SUBJECT = "the libraries"
QUIET_S = 4.0
NOT_JUDGED = "not judged: the exploration ended at a broken law"
ASKED_FIRST = "recorded_schedules_end_as_they_did"


class HarnessError(Exception):
    """The judge itself failed: the law is unknown, neither kept nor broken."""


@dataclass(slots=True)
class _Asked:
    law: Law
    subject: str
    verdict: LawVerdict | None = None
    elapsed_ms: float = 0.0
    tally: Counter[str] = field(default_factory=Counter)
    failure: str | None = None
    reason: str | None = None
    lacks: str | None = None

    def lack(self, text: str) -> None:
        """Add what a case could not be asked for."""
        subject, _, offers = text.partition(f" {NOT_OFFERED} ")
        known = (self.lacks or "").partition(f" {NOT_OFFERED} ")[2]
        both = [*known.split(OFFER_BREAK), *offers.split(OFFER_BREAK)]
        told = OFFER_BREAK.join(each for each in dict.fromkeys(both) if each)
        self.lacks = f"{subject} {NOT_OFFERED} {told}"


class Recorder:
    """A pytest plugin. One a process; ``asked`` is by law and subject, in order of asking.

    ``stops_when_broken`` ends an exploration at its first broken law, ``keeps_files`` writes
    counterexamples and histories beside the records, ``after_each`` is called after each test,
    ``cases`` are what laws are asked about where they draw.
    """

    tally_key = pytest.StashKey[Counter[str]]()

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked: dict[tuple[str, str], _Asked] = {}
        self.explorations: dict[str, Counter[str]] = {}
        self.explored: dict[str, Exploration] = {}
        self.figures: dict[str, float] = {}
        self.question_count = 0
        self.now = "collecting"
        self.before_collection: Callable[[], None] = lambda: None
        self.sighted: dict[str, None] = {}
        self._is_exploring = False
        self.cases = Cases()
        self.only_laws: frozenset[str] = frozenset()
        self.only_subjects: frozenset[str] = frozenset()
        self.stops_when_broken = False
        self.keeps_files = True
        self.after_each: Callable[[], None] = lambda: None
        self._due: Counter[tuple[str, str]] = Counter()

    def begin_exploration(self, subject: str) -> Counter[str]:
        """Return the live tally of a subject's exploration."""
        self.now = f"exploring {subject}"
        self._is_exploring = True
        return self.explorations.setdefault(subject, Counter())

    def see(self, law: str | None) -> None:
        """Show that an exploration has met a broken law: what follows makes it small."""
        if law is not None and self._is_exploring:
            self.sighted[law] = None

    def forget(self) -> None:
        """Know nothing of what was asked, as if the next law were the first."""
        self.asked.clear()
        self.explorations.clear()
        self.explored.clear()

    @staticmethod
    def harness_error(text: str) -> HarnessError:
        """Return the error that makes a law unknown."""
        return HarnessError(text)

    # pytest's hooks

    def pytest_collection(self) -> None:
        """Look first at what must not be looked at before pytest has begun."""
        self.before_collection()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen laws and subjects; the recorded schedules come first."""
        items[:] = [item for item in items if self._is_chosen(item)]
        items.sort(key=lambda item: key_of(item)[0] != ASKED_FIRST)
        self._due = Counter(key_of(item) for item in items)
        self.question_count = len(self._due)

    @staticmethod
    def pytest_collection_finish() -> None:
        """Spare the garbage collector what was imported: it stays until the end."""
        gc.collect()
        gc.freeze()

    def _is_chosen(self, item: pytest.Item) -> bool:
        law, subject = key_of(item)
        if self.only_laws and law not in self.only_laws:
            return False
        return not self.only_subjects or subject in self.only_subjects

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Show which law is asked."""
        law, subject = key_of(item)
        self.now = f"{law} ({subject})"
        self._is_exploring = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Know which laws have been asked to their end."""
        ended = yield
        self._due[key_of(item)] -= 1
        self.after_each()
        return ended

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take what a test said into its law's verdict: the worst counts."""
        report = yield
        key = key_of(item)
        asked = self.asked.get(key)
        if asked is None:
            asked = self.asked[key] = _Asked(law_of(_module(item)), key[1])
        asked.elapsed_ms += call.duration * 1000
        verdict, text = _verdict(report, call)
        if verdict is LawVerdict.NOT_ASKED and f" {NOT_OFFERED} " in (text or ""):
            asked.lack(text or "")  # one case of a law: what the others say counts
            return report
        if call.when != "call" and verdict is LawVerdict.PASS:
            return report
        if self.tally_key in item.stash:
            tally: Counter[str] = item.stash[self.tally_key]
            asked.tally.update(tally)
        if asked.verdict is None or _RANK.index(verdict) >= _RANK.index(asked.verdict):
            asked.verdict = verdict
            if verdict is LawVerdict.FAIL:
                asked.failure = _joined(asked.failure, text, item.name)
            else:
                asked.reason = asked.reason or text
        return report

    def is_settled(self, law: LawRecord) -> bool:
        """Whether nothing more can change what a law said: it failed, or all of it was asked."""
        return law.verdict is LawVerdict.FAIL or self._due[law.law, law.subject] <= 0

    def records(self, replay: str) -> list[LawRecord]:
        """Return one record a law and subject. ``replay`` starts the command of a failure."""
        return [
            LawRecord(
                law=asked.law.name,
                kind=asked.law.kind,
                sentence=asked.law.sentence,
                verdict=asked.verdict or LawVerdict.NOT_ASKED,
                subject=asked.subject,
                examples=asked.tally["examples"],
                steps=asked.tally["steps"],
                schedules=asked.tally["schedules"],
                drawn=asked.tally["drawn"],
                elapsed_ms=asked.elapsed_ms,
                leans_on=asked.law.leans_on,
                failure=None
                if asked.failure is None
                else f"{asked.failure}\n\nAgain: {replay}{_selection(asked)}",
                reason=asked.reason or _in_part(asked),
            )
            for asked in self.asked.values()
        ]


RECORDER = Recorder()
"""The process's recorder: the specs' fixtures reach it here, the command line registers it."""


def _in_part(asked: _Asked) -> str | None:
    """Return why a law was not asked, or asked in part."""
    is_all = asked.verdict is None or asked.lacks is None
    return asked.lacks if is_all else f"{IN_PART}{asked.lacks}"


def _selection(asked: _Asked) -> str:
    subject = "" if asked.subject == NO_SUBJECT else f" --subject {asked.subject}"
    return f" --law {asked.law.name}{subject}"


def _module(item: pytest.Item) -> ModuleType:
    module: ModuleType = getattr(item, "module")  # noqa: B009 - pytest types only Function with it
    return module


def key_of(item: pytest.Item) -> tuple[str, str]:
    """Return the law and the subject that a collected test is about."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    module = _module(item)
    return law_of(module).name, str(parameters.get("subject_name", NO_SUBJECT))


def _verdict(
    report: pytest.TestReport, call: pytest.CallInfo[None]
) -> tuple[LawVerdict, str | None]:
    if report.passed:
        return LawVerdict.PASS, None
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return LawVerdict.NOT_ASKED, reason.removeprefix("Skipped: ")
    error = None if call.excinfo is None else call.excinfo.value
    if call.when == "call" and _is_the_laws_own(error):
        return LawVerdict.FAIL, _told(error, report)
    return LawVerdict.UNKNOWN, f"the judge failed: {report.longreprtext}"


def _is_the_laws_own(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_the_laws_own(each) for each in error.exceptions)
    return isinstance(error, AssertionError | pytest.fail.Exception)


def _joined(failure: str | None, text: str | None, case: str) -> str | None:
    if failure is None or text is None:
        return failure or text
    first, *others = failure.split(f"\n{NEXT_FAILURE}")
    if text in (first, *(other.partition("\n")[2] for other in others)):
        return failure
    return f"{failure}\n{NEXT_FAILURE}{case}\n{text}"


def _told(error: BaseException | None, report: pytest.TestReport) -> str:
    notes = "\n".join(getattr(error, "__notes__", ()))
    if error is None or isinstance(error, BaseExceptionGroup):
        return report.longreprtext
    return f"{told(error)}\n{notes}".strip()


class ProgressLine:
    """Says every few seconds what is being asked; on a terminal, on one line that is rewritten.

    A question is a law to a subject. A law that an exploration has met broken is named at once.
    """

    def __init__(self, recorder: Recorder, stream: TextIO) -> None:
        """Show nothing yet. ``stream`` is outside of what pytest captures."""
        self._recorder = recorder
        self._stream = stream
        self._is_terminal = stream.isatty() and not os.environ.get("NO_COLOR")
        self._over = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and leave a clean line."""
        self._over.set()
        self._thread.join()
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
        self._stream.flush()

    def _run(self) -> None:
        while not self._over.wait(0.2 if self._is_terminal else QUIET_S):
            line = self._line()
            self._stream.write(f"\r\x1b[K{self._cut(line)}" if self._is_terminal else f"{line}\n")
            self._stream.flush()

    def _line(self) -> str:
        recorder = self._recorder
        tally = sum(recorder.explorations.values(), Counter())
        return (
            f"properties: {time.monotonic() - self._began:.0f} s, "
            f"{len(recorder.asked)} of {recorder.question_count} questions asked, "
            f"{tally['examples']} examples, {tally['attempts']} attempts; {recorder.now}"
            + (f"; broken: {', '.join(recorder.sighted)}" if recorder.sighted else "")
        )

    def _cut(self, line: str) -> str:
        try:
            return line[: os.get_terminal_size(self._stream.fileno()).columns - 1]
        except OSError:
            return line


def outside_stream() -> TextIO:
    """Return a stream to the process's standard error that pytest does not capture."""
    return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
