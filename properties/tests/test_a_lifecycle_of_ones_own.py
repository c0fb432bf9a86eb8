"""A lifecycle is its edges; a foreign example with another one is judged from the command line."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from docs.own_subject import Invoices
from properties.crashes.examination import Effort, examine
from properties.crashes.judging import Breach
from properties.crashes.modes import Mode
from properties.crashes.workload import Workload, record
from properties.scratch import scratch_folder
from properties.subjects import CORE_SUBJECTS, FILES, Lifecycle, Offer
from properties.subjects.named import NotASubjectError, require_subject
from properties.tests.test_the_command_line import ROOT, _run

RING = Lifecycle("a", {"a": {"stay": "a", "go": "b", "end": "c"}, "b": {"go": "a"}})


def test_every_state_is_named() -> None:
    """Also one that nothing leaves; every event is there once."""
    assert ["a", "b", "c"] == sorted(RING.edges)
    assert ("stay", "go", "end") == RING.events
    assert {} == RING.edges["c"] == RING.edges_from("elsewhere")


def test_where_a_step_leads() -> None:
    """By edges alone."""
    assert ("b", None, None) == (
        RING.target("a", "go"),
        RING.target("c", "go"),
        RING.target("?", ""),
    )
    assert "end" == RING.refused("b").replace("stay", "end")
    assert "no such event" == Lifecycle("a", {"a": {"stay": "a"}}).refused("a")
    assert {"a", "b", "c"} == RING.states_after(1) == RING.states_after(7)
    assert set() == FILES.states_after(4)


def test_the_road_is_the_longest() -> None:
    """Of so many steps at most, the first named where several are as long."""
    assert ("start_upload", "complete_upload") == tuple(event for event, _ in FILES.road(2))
    assert 3 == len(FILES.road(9))
    dead_end_first = Lifecycle("a", {"a": {"drop": "d", "go": "b"}, "b": {"go": "c"}})
    assert (("go", "b"), ("go", "c")) == dead_end_first.road(2)


def test_a_lifecycle_that_begins_nowhere_is_refused() -> None:
    """It would let nothing move, and every law hold."""
    with pytest.raises(ValueError, match="no edge leaves the initial state 'a'"):
        Lifecycle("a", {"b": {"go": "a"}})


class Half(Invoices):
    """Invoices that call their table the files'."""

    offers = frozenset({Offer.V9})


def test_the_laws_that_name_the_states_of_files_are_theirs() -> None:
    """Who offers what only a subject with that lifecycle can offer is told so."""
    try:
        with pytest.raises(NotASubjectError, match="offers the V9 tables and the lifecycle of fil"):
            require_subject(f"{__name__}:Half")
    finally:
        CORE_SUBJECTS.pop(f"{__name__}:Half", None)  # others count what stands there


class Hasty(Invoices):
    """Waits for the disk no more once there is an invoice."""

    async def seed(self, number: str) -> None:
        """Switch it off."""
        await super().seed(number)
        await self.db.execute("PRAGMA synchronous=OFF")


def test_a_row_without_a_journal_survives_a_power_loss() -> None:
    """Or does not, where its connection does not wait for the disk."""

    def breaches(make: type[Invoices]) -> set[Breach]:
        mode = Mode.promising_durability(make)
        with scratch_folder() as folder:
            recording = asyncio.run(record(mode, folder, Workload(file_count=1, life_count=1)))
        return set(mode.broken(examine(recording, Effort(subset_count=1, most_changes=4))))

    assert set() == breaches(Invoices)
    assert Breach.LOST in breaches(Hasty)


def test_it_is_judged_from_the_command_line(tmp_path: Path) -> None:
    """From a folder of its own; every law that it can be asked holds, and the others are named."""
    shutil.copy(ROOT / "docs" / "own_subject.py", tmp_path / "billing.py")
    record = tmp_path / "r.json"
    where = ("--with", str(tmp_path), "--subject", "billing:Invoices", "--record", str(record))
    done = _run("--profile", "gate", *where)
    assert 0 == done.returncode, done.stdout
    told = {law["law"]: law["verdict"] for law in json.loads(record.read_text())["laws"]}
    held = {law for law, verdict in told.items() if verdict == "pass"}
    assert {"pass", "not asked"} == set(told.values())
    assert 10 == len(held), held
    assert {"the_history_is_linearizable", "nothing_outlives_its_owner"} < held
    (line,) = [line for line in done.stdout.splitlines() if "does not offer guards:" in line]
    assert "every_event_in_every_state_has_its_answer" in line


def test_the_example_of_an_upgrade_keeps_its_laws_with_the_lock(tmp_path: Path) -> None:
    """So that what breaks it is the release: `docs/own_upgrade.py`, which imports its neighbour."""
    law = ("--law", "every_answer_was_true_at_some_moment", "--profile", "gate")
    record = ("--record", str(tmp_path / "r.json"))
    where = ("--with", str(ROOT / "docs"), "--subject", "own_upgrade:Reported")
    done = _run(*where, *law, *record)
    assert 0 == done.returncode, done.stdout
    assert "properties: pass: 1 of 1 laws hold" in done.stdout.splitlines()[-1]


def test_a_folder_that_is_not_there_is_usage(tmp_path: Path) -> None:
    """Before anything is asked."""
    done = _run("--with", str(tmp_path / "nowhere"), "--subject", "billing:Invoices")
    assert (2, "properties: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert "there is no such folder or wheel" in done.stderr
