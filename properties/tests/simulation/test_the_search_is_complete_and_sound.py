"""The reduced search shows what the unreduced one shows, and what real threads show."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Sequence

import aiosqlite
import pytest

from fsmcore import schema as sql
from properties.simulation import containment, footprints
from properties.simulation.budget import Budget
from properties.simulation.explore import explore
from properties.simulation.faults import CLOCK_FAULTS
from properties.simulation.holes import HOLES, Hole
from properties.simulation.scenario import Attempt, Scenario, Setting
from properties.simulation.scenarios import scenario
from properties.simulation.scenarios.counter import READ
from properties.simulation.schedulers import exhaustive

SMALL = (
    ("lone-2", Budget(overlaps=1)),
    ("lone-2", Budget(cancellations=1, overlaps=1)),
    ("lone-3", Budget()),
    ("kept-occ-2", Budget(overlaps=2)),
    ("kept-lost-update-2", Budget(overlaps=1)),
    ("mixed-2", Budget()),
    ("transactions-2", Budget()),
    ("watched-2", Budget(cancellations=1)),
    ("watched-2", Budget(cancellations=1, overlaps=1)),
    ("in-time-2", Budget(overlaps=1)),
    ("in-time-2", Budget(early_clocks=1)),
    ("pause-2", Budget(early_clocks=1)),
    ("tickets-2", Budget()),
    ("tickets-2", Budget(cancellations=1)),
    ("returning-2", Budget()),
    ("returning-2", Budget(overlaps=1)),
    ("data-version-2", Budget()),
    ("layout-and-rows-2", Budget()),
    ("script-begin-2", Budget()),
    ("script-select-2", Budget()),
    ("shared-2", Budget()),
    ("shared-2", Budget(cancellations=1)),
    ("shared-mixed-2", Budget(cancellations=1, overlaps=1)),
)


@pytest.mark.parametrize(("name", "budget"), SMALL)
def test_reduced_and_unreduced_searches_agree(name: str, budget: Budget) -> None:
    """Nothing that a reduction cuts would have ended otherwise than what it keeps."""
    reduced = explore(scenario(name), budget=budget)
    unreduced = explore(scenario(name), budget=budget, reduces=False)
    assert reduced.is_complete and unreduced.is_complete
    assert unreduced.outcomes == reduced.outcomes
    assert reduced.run_count < unreduced.run_count


@pytest.mark.parametrize(
    "name", ["mixed-2", "tickets-2", "occ-2", "store-2", "returning-2", "script-begin-2"]
)
def test_stock_asyncio_shows_nothing_new(name: str) -> None:
    """Real threads stay inside of the search, and its schedules come back on OS threads."""
    found = containment.compare(scenario(name), real_runs=15, walks=60, seed=1, run_limit=5000)
    assert set() == found.outside
    assert set() == found.not_replayed


UNKNOWN_TEXTS = (
    "PRAGMA synchronous=FULL; UPDATE counter SET value = 1",
    "SELECT 1; SELECT 2",
    "INSERT OR FAIL INTO counter VALUES (2, 0, 0)",
    "DELETE FROM counter RETURNING id",
    "WITH x AS (SELECT 1) UPDATE counter SET value = 1",
    "VACUUM",
    "BEGIN; SELECT 1; DELETE FROM counter; ROLLBACK",
    "BEGIN; SELECT 1; COMMIT; SELECT 2",
)
"""What may do anything, as far as the search knows."""


@pytest.mark.parametrize("text", UNKNOWN_TEXTS)
def test_unknown_text_touches_everything(text: str) -> None:
    """Nothing is taken for what its first word says when more may follow."""
    state = {"in_transaction": False, "holds_lock": False, "failed": False}
    assert footprints.EVERYTHING == footprints.of_call("execute", text, **state)
    assert footprints.EVERYTHING == footprints.of_call("executescript", "SELECT 1", **state)
    assert footprints.EVERYTHING == footprints.of_call("executemany", "DELETE FROM t", **state)


def test_reads_of_one_snapshot_meet_commits_and_no_reads() -> None:
    """A look reads rows, and has let its snapshot go when its hop ends."""
    state = {"in_transaction": False, "holds_lock": False, "failed": False}
    look = footprints.of_call("hop", "BEGIN; SELECT a FROM t; SELECT b FROM t; ROLLBACK", **state)
    whole = footprints.of_call("hop", "BEGIN IMMEDIATE; DELETE FROM t; COMMIT", **state)
    assert not look.conflicts(look)
    assert look.conflicts(whole)


LAYOUT_TEXTS = (
    sql.SELECT_LAYOUT,
    sql.SELECT_COLUMNS,
    "SELECT * FROM sqlite_master",
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ? ORDER BY name;",
)


@pytest.mark.parametrize("text", LAYOUT_TEXTS)
def test_a_look_at_the_layout_alone_meets_no_commit(text: str) -> None:
    """Unless a transaction or a cursor that is left open pins the rows with it."""
    state = {"holds_lock": False, "failed": False}
    fetched = footprints.of_call("fetchall", text, in_transaction=False, **state)
    assert footprints.LAYOUT_READ == fetched
    commit = footprints.of_call("commit", None, in_transaction=True, **state)
    assert commit.conflicts(footprints.of_call("execute", text, in_transaction=False, **state))
    assert commit.conflicts(footprints.of_call("fetchall", text, in_transaction=True, **state))


ROW_TEXTS = (
    "SELECT data_version FROM pragma_data_version",
    "SELECT (SELECT count(*) FROM sqlite_schema), version FROM counter",
    "SELECT name FROM sqlite_schema, counter",
    "SELECT name FROM sqlite_schema WHERE name = (SELECT value FROM counter)",
    "SELECT name FROM sqlite_schema UNION SELECT value FROM counter",
)


@pytest.mark.parametrize("text", ROW_TEXTS)
def test_a_look_at_the_rows_beside_the_layout_meets_commits(text: str) -> None:
    """What others commit can change the answer."""
    state = {"holds_lock": False, "failed": False}
    commit = footprints.of_call("commit", None, in_transaction=True, **state)
    assert commit.conflicts(footprints.of_call("fetchall", text, in_transaction=False, **state))


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_a_planted_hole_is_caught(hole: Hole) -> None:
    """A search that forgets one kind of step, or one conflict, is found out by walks."""
    assert containment.hole_is_caught(hole, walks=400, seed=0)


def test_walks_stay_inside_of_an_undamaged_search() -> None:
    """What catches the holes alarms about nothing else."""
    for hole in HOLES:
        sound = dataclasses.replace(hole, plant=contextlib.nullcontext, spend={})
        assert not containment.hole_is_caught(sound, walks=100, seed=3)


def test_code_that_is_right_under_asyncio_is_never_accused() -> None:
    """Negative controls: orders that FIFO forbids are never shown."""
    assert 0 == containment.false_alarms(300, seed=0)


@pytest.mark.parametrize("name", ["store-2", "chain-2"])
def test_one_cancellation_anywhere_leaves_the_core_whole(name: str) -> None:
    """No version is written twice, no lock stays held, no worker outlives the attempt."""
    found = explore(scenario(name), budget=Budget(cancellations=1), run_limit=20_000)
    assert found.is_complete
    assert {} == found.violations
    assert len(found.outcomes) > 2


def _told_the_time() -> Scenario:
    """Two attempts that make a call and tell the time; the clock may step back an hour."""

    def attempts(connections: list[aiosqlite.Connection], setting: Setting) -> Sequence[Attempt]:
        async def work(db: aiosqlite.Connection) -> str:
            await db.execute_fetchall(READ)
            return setting.now().isoformat()

        pairs = zip("ab", connections, strict=True)
        return [(letter, functools.partial(work, each)) for letter, each in pairs]

    small = scenario("lone-2")
    budget = Budget(faults=CLOCK_FAULTS[:1], fault_count=1)
    return dataclasses.replace(small, name="time-2", attempts=attempts, budget=budget, law=None)


def test_a_fault_that_is_nobodys_is_tried_between_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, between and after the looks at the clock; asking whose it is loses some."""
    subject = _told_the_time()
    every = explore(subject, reduces=False).outcomes
    assert 4 == len(every)
    assert every == explore(subject).outcomes
    monkeypatch.setattr(exhaustive, "_is_nobodys", lambda _option: False)
    assert explore(subject).outcomes < every
