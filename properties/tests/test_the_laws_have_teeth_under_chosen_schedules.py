"""Under the simulation too each law catches its bug, small enough to be read and replayed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import aiosqlite
import pytest
from hypothesis import settings

from fsmcore import FsmCoreError, HandRolledAdapter
from properties.history import files
from properties.profiles import PROFILES
from properties.rules import hearing, schedules
from properties.rules.kept import keep_history
from properties.rules.schedules import explore_schedules
from properties.rules.troubles import Trouble
from properties.rules.workload import Arrival, Workload, from_content, from_name
from properties.simulation import corpus, replay
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.stage import Stage
from properties.simulation.timeline import MOST_LINES
from properties.subjects import (
    CORE_SUBJECTS,
    FILES,
    TRIES,
    Answer,
    AnswerKind,
    CoreSubject,
    Place,
    Request,
)
from properties.tests.teeth import MUTANTS, TEETH

QUICK = settings(
    dataclasses.replace(PROFILES["gate"], explored_count=300).explored, derandomize=True
)
"""The same cases on every machine: whether a bug is found may not depend on the day."""
UNTOUCHED = CORE_SUBJECTS["handrolled-unlocked"]
# A process that the schedule lets die closes nothing, and aiosqlite says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted before being closed:ResourceWarning")


@pytest.mark.parametrize("law", TEETH)
def test_a_bug_is_caught_by_its_law(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law fails, in few lines, the fatal step marked."""
    monkeypatch.setattr(schedules, "DROP_RUN_LIMIT", 20)
    mutant = MUTANTS[TEETH[law]]
    with mutant.applied():
        found = explore_schedules(mutant.name, mutant, {law: hearing.all_judges()[law]}, QUICK)
    assert None is found.harness_error, found.harness_error
    assert [law] == list(found.broken)
    lines = found.broken[law].splitlines()
    assert len(lines) <= MOST_LINES
    assert 1 == sum(line.startswith("!") for line in lines)
    assert lines[-1].startswith(f"nox -s replay -- rules.{mutant.name}.")


MOVE = (
    "UPDATE files SET gemini_state = ?, version = version + 1 WHERE file_path = ? RETURNING version"
)
NOTE = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, 'now')"


class ChecksThenWrites(CoreSubject):
    """Reads, decides, and writes without comparing: broken only where another one comes between."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Know no file yet."""
        super().__init__("checks-then-writes", HandRolledAdapter, locked=False, tries=tries)
        self.path = ""

    async def make(self, path: str) -> None:
        """Remember the path, to write behind the store."""
        self.path = path
        await super().make(path)

    async def attempt(self, request: Request) -> Answer:
        """Move the row along an edge of the state that was read."""
        try:
            row = await self.read(request.file_path)
        except FsmCoreError as error:
            return Answer(kind=AnswerKind.FAILED, detail=str(error), error=error)
        target = FILES.target(row.state, request.event)
        if target is None or not request.guard_says:
            return Answer(kind=AnswerKind.NOT_ALLOWED)
        entry = (request.attempt_id, request.file_path, request.event, row.state, target)
        try:
            async with aiosqlite.connect(self.path, isolation_level=None, timeout=0) as db:
                await db.execute("BEGIN IMMEDIATE")
                ((version,),) = await db.execute_fetchall(MOVE, (target, request.file_path))
                await db.execute(NOTE, (*entry[:2], version, *entry[2:]))
                await db.execute("COMMIT")
        except aiosqlite.Error as error:
            return Answer(kind=AnswerKind.FAILED, detail=str(error))
        return Answer(
            kind=AnswerKind.SUCCESS, from_state=row.state, to_state=target, version=version
        )


def test_a_race_is_shown_with_the_one_switch_that_it_needs(tmp_path: Path) -> None:
    """Few attempts, one deviation, proven minimal, with a history that other checkers read.

    Two that race are the least. Hypothesis draws constants of the modules that are imported, so
    beside other tests it may begin, and end, with a longer way to the same switch.
    """
    law = "only_legal_edges_are_taken"
    judges = {law: hearing.all_judges()[law]}
    shrinking = settings(QUICK, phases=PROFILES["dev"].explored.phases)
    found = explore_schedules("ChecksThenWrites", ChecksThenWrites, judges, shrinking)
    assert None is found.harness_error, found.harness_error
    kept = keep_history(law, "ChecksThenWrites", found.evidence[law], tmp_path)
    assert f"{law}-ChecksThenWrites.json" in kept
    _, history = files.read(tmp_path / f"{law}-ChecksThenWrites.json")
    assert history.records
    text = found.broken[law]
    assert "minimal: 1 deviation" in text
    assert "rules.ChecksThenWrites.start_upload~" in text
    asked = from_name(found.entries[law].scenario)
    assert asked is not None
    assert 2 <= sum(map(len, asked.phases)) <= 6


def test_the_untouched_subject_keeps_every_law() -> None:
    """Else a kill would prove nothing; and it was disturbed, refused and overtaken on the way."""
    tally: Counter[str] = Counter()
    found = explore_schedules("handrolled-unlocked", UNTOUCHED, hearing.all_judges(), QUICK, tally)
    assert ({}, None) == (found.broken, found.harness_error)
    assert tally["simulated runs"] >= 30


def test_a_failing_judge_breaks_no_law() -> None:
    """A slip of the judge is told as such: nothing is broken, nothing has passed."""

    def judge(_evidence: object) -> None:
        raise NameError("a slip of the judge")

    found = explore_schedules("handrolled-unlocked", UNTOUCHED, {"a_law": judge}, QUICK)
    assert {} == found.broken
    assert "a slip of the judge" in (found.harness_error or "")


WORKLOAD = Workload(
    subject="handrolled-unlocked",
    phases=(
        (
            Arrival(event="start_upload", troubles=(Trouble(Place.GUARD, "is overtaken"),)),
            Arrival(event="start_upload", guard_says=False, expected_version=0),
        ),
        (Arrival(event="fail_upload", troubles=(Trouble(Place.BEFORE_COMMIT, "waits", 7),)),),
    ),
)


def test_a_workload_survives_its_name_and_its_json() -> None:
    """Both forms read back as what was written."""
    assert WORKLOAD == from_name(WORKLOAD.name)
    assert WORKLOAD == from_content(WORKLOAD.subject, WORKLOAD.content())


@pytest.mark.parametrize(
    "name",
    [
        "rules.handrolled.",
        "rules.handrolled.nosuch~0",
        "rules.handrolled.start_upload~x",
        "rules.handrolled.start_upload~0~guard-explodes",
        "rules.handrolled.start_upload~0+",
    ],
)
def test_a_name_that_says_no_workload_is_none(name: str) -> None:
    """So that its token is refused, and nothing is replayed that was not meant."""
    assert None is from_name(name)


def test_a_workload_replays_by_its_file_and_by_its_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file holds the attempts as a reader would say them; both judge with every law."""
    with Stage(hearing.scenario(WORKLOAD)) as stage:
        trial = stage.run(PoliteScheduler())
    entry = corpus.entry(trial, stage.scenario.budget, is_minimal=True)
    path = corpus.write(entry, tmp_path)
    assert entry == corpus.read(path)
    assert '"guard: is overtaken"' in path.read_text()
    record = ["--record", str(tmp_path / "record.json")]
    assert 0 == replay.main([str(path), *record])
    assert 0 == replay.main([entry.token, "--carrier", "thread", *record])
    assert "is overtaken" in capsys.readouterr().out


def test_who_finds_the_lock_taken_was_not_alone(tmp_path: Path) -> None:
    """One attempt meets a lock and is cut off; the next begins, and is busy by no fault of its own.

    The whole session found it: the law of the undisturbed took the second attempt for alone.
    """
    token = (
        "rules.handrolled.start_upload~0~before_commit-is_locked_out,start_upload~0"
        "/cancellations=1/fault_count=1@34:1"
    )
    assert 0 == replay.main([token, "--record", str(tmp_path / "record.json")])
