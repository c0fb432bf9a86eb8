"""The law that Hypothesis draws for sees a planted bug, and shows it as small as it is."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

import fsmcore.schema
from properties.simulation import corpus
from properties.simulation.hunting import Case, hunt
from properties.simulation.judging import LawBrokenError
from properties.simulation.replay import replayed
from properties.simulation.scenario import Outcome
from properties.simulation.scenarios import scenario
from properties.simulation.scenarios.drawn import SETUPS, Workload, from_name
from properties.simulation.scheduler import HarnessError
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.stage import Stage
from properties.simulation.timeline import MOST_LINES
from properties.subjects import CORE_SUBJECTS
from properties.subjects.core import MODEL_SUBJECTS

TRUSTING = "WHERE {key_column} = ? AND ? IS NOT NULL AND ? IS NOT NULL"


def ask(strategy: SearchStrategy[Case], holds: Callable[[Case], None]) -> None:
    """Draw as the laws do, the same cases each time."""

    @settings(
        settings.get_profile("default"),
        max_examples=30,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def law(case: Case) -> None:
        holds(case)

    law()


@pytest.fixture
def lost_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the core write without comparing what it read, and the journal take every entry."""
    module = fsmcore.schema
    compare = module.COMPARE_AND_SET
    trusting = compare[: compare.index("WHERE")] + TRUSTING
    monkeypatch.setattr(module, "COMPARE_AND_SET", trusting)
    journal = module.CREATE_JOURNAL.replace(",\n    UNIQUE (file_path, version)", "")
    assert journal != module.CREATE_JOURNAL
    monkeypatch.setattr(module, "CREATE_JOURNAL", journal)
    monkeypatch.setattr(module.Schema, "problem", lambda *_: None)  # it misses the constraint


@pytest.mark.parametrize("setup", ["statemachine-unlocked", "handrolled-unlocked"])
def test_a_lost_update_is_shown_as_small_as_it_is(setup: str, lost_update: None) -> None:
    """Two attempts, a proven minimum, few lines, and a token that replays it."""
    with pytest.raises(LawBrokenError) as caught:
        hunt(setup, ask)
    entry = caught.value.entry
    workload = from_name(entry.scenario)
    assert workload is not None
    assert 2 == len(workload.events)
    assert entry.is_minimal
    assert 1 == len(entry.deviations)
    lines = str(caught.value).splitlines()
    assert len(lines) <= MOST_LINES
    assert f"nox -s replay -- {entry.token}" == lines[-1]
    assert entry.breaks == replayed(corpus.from_token(entry.token)).violation


UNHUNTED = [each for each in SETUPS if each.startswith("statemachine-") and each in MODEL_SUBJECTS]
"""The machine is the same on every model; the hand-rolled adapter hunts there."""


@pytest.mark.parametrize("setup", sorted(each for each in SETUPS if each not in UNHUNTED))
def test_the_core_withstands_the_hunt(setup: str) -> None:
    """Negative control: nothing planted, nothing found."""
    hunt(setup, ask)


def test_the_setups_are_the_subjects_of_the_laws() -> None:
    """A subject that is judged by the other laws is hunted, too."""
    assert sorted(CORE_SUBJECTS) == sorted(SETUPS)


@pytest.mark.parametrize("setup", sorted(SETUPS))
def test_a_workload_is_found_by_its_name(setup: str) -> None:
    """The name says all, so a token of it replays; a name of no workload is refused."""
    workload = Workload(setup=setup, state="uploading", events=("fail_upload", "complete_upload"))
    assert workload == from_name(workload.name)
    assert workload.name == scenario(workload.name).name
    with pytest.raises(HarnessError, match="no scenario"):
        replayed(corpus.from_token(f"{workload.name}+oops@1:1"))


def test_an_error_that_no_schedule_may_bring_about_is_a_failure() -> None:
    """A release whose machines cannot be used fails by name, though nothing is written."""
    workload = Workload(setup="handrolled", state="untracked", events=("start_upload",))
    with Stage(workload.scenario()) as stage:
        law = workload.scenario().law
        assert law is not None
        outcome = stage.run(PoliteScheduler()).outcome
    assert None is law(outcome)
    refused = Outcome(answers=(("a", "MachineContractError"),), rows=outcome.rows[:1])
    assert "MachineContractError" in (law(refused) or "")


def test_a_stage_that_cannot_be_opened_leaves_nothing_behind() -> None:
    """The clock, the threads and the files are as before."""
    monotonic, threads = time.monotonic, threading.active_count()

    async def refuse(_setting: object) -> None:
        raise sqlite3.OperationalError("planted")

    workload = Workload(setup="handrolled", state="untracked", events=("start_upload",))
    stage = Stage(dataclasses.replace(workload.scenario(), open=refuse))
    with pytest.raises(sqlite3.OperationalError, match="planted"):
        stage.__enter__()
    assert monotonic is time.monotonic
    assert threads == threading.active_count()


def test_a_thread_beside_the_simulation_reads_the_real_clock() -> None:
    """A progress line is not ours: its clock does not stand still, nor does it touch a run."""
    seen: list[float] = []
    go, seen_it = threading.Event(), threading.Event()

    def beside() -> None:
        go.wait()
        seen.append(time.monotonic())
        seen_it.set()

    thread = threading.Thread(target=beside)
    thread.start()
    workload = Workload(setup="handrolled", state="untracked", events=("start_upload",))
    with Stage(workload.scenario()) as stage:

        async def main() -> float:
            go.set()
            while not seen_it.is_set():
                pass
            return time.monotonic()

        virtual_s = stage.simulation.run(main, PoliteScheduler()).value
    thread.join()
    assert virtual_s is not None
    assert seen[0] != pytest.approx(virtual_s, abs=0.5)
