"""Each tool gets the same attempts and the same law; what refuses is told in its own words."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.peers import __main__ as session
from benchmarks.peers import cell
from benchmarks.peers.__main__ import BUGS, CONTROLS, TOOLS, Cell, lines, main
from properties.session import UsageError


def _cell(tool: str, **seen: object) -> Cell:
    told = {"schedules": 100, "elapsed_s": 2.0, "first": None, "message": "", **seen}
    return Cell(tool=tool, scenario="turns", **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*BUGS, *CONTROLS])
def test_every_row_names_a_scenario_with_a_law(name: str) -> None:
    """A cell without a law could never fail."""
    assert None is not cell.subject_named(name).law


def test_every_tool_has_a_way_to_be_asked() -> None:
    """The table's columns are the tools that a cell knows."""
    assert set(TOOLS) == set(cell.TOOLS)


@pytest.mark.parametrize("tool", ["ours", "stock asyncio"])
def test_a_bug_is_seen_and_a_control_is_not(tool: str) -> None:
    """Both of them in a moment of schedules, from the same coroutines."""
    bug = _seen_at_last(tool)
    control = cell.TOOLS[tool](cell.subject_named("turns"), 0.2)
    assert (True, None) == (bug.first is not None, control.first)
    assert bug.schedules > 0 and control.schedules > 0


def test_what_other_tools_get_are_the_whole_attempts() -> None:
    """Run one after the other, they keep the law; their answers are those of the scenario."""
    with cell.file_of(cell.subject_named("kept-lost-update-2")) as file:

        async def in_turn() -> None:
            for attempt in file.begin().attempts():
                await attempt(file)

        asyncio.run(in_turn())
        assert {"a": "ok", "b": "ok"} == file.answers
        assert file.holds()
        file.answers["c"] = "ok"
        assert not file.holds()


def test_the_file_is_never_left_by_everybody() -> None:
    """Else the last one who closes takes the WAL away from under the next schedule."""
    with cell.file_of(cell.subject_named("queue")) as file:
        for attempt in file.begin().attempts():
            asyncio.run(attempt(file))
        assert os.path.exists(f"{file.path}-wal")


def test_the_table_tells_rates_failures_and_refusals_apart() -> None:
    """A dash is no failure, and a message is no figure."""
    table = lines(
        [
            _cell("ours", first=7, broke="a: out of order"),
            _cell("stock asyncio"),
            _cell("detangle", schedules=1, message="DeadlockError: blocked"),
            _cell("frontrun dpor", message="inconclusive"),
        ],
        ["turns"],
    )
    assert ["50/s, 7", "50/s, -", "50/s, unsure", "refused"] == [
        each.strip() for each in table[1].removeprefix("control: turns").split("  ") if each.strip()
    ]
    assert [
        "detangle: DeadlockError: blocked",
        "frontrun dpor: inconclusive",
        "ours on the control turns: a: out of order",
    ] == table[2:]


def test_no_time_is_usage() -> None:
    """A cell of no seconds would show nothing."""
    with pytest.raises(UsageError, match="--seconds"):
        main(["--seconds", "0"])


def test_a_failure_is_counted_when_the_law_broke_and_not_before() -> None:
    """The same bug under a law that never breaks is found by nobody; what broke is kept."""
    bug = cell.subject_named("kept-lost-update-2")
    lawless = dataclasses.replace(bug, law=lambda _outcome: None)
    for tool in ("ours", "stock asyncio"):
        assert (None, "") == _first(cell.TOOLS[tool](lawless, 0.2))
        first, broke = _first(_seen_at_last(tool))
        assert first is not None and "2 attempts were told ok, and the value is 1" == broke


def _seen_at_last(tool: str) -> cell.Seen:
    """Ask for a bug again and again: real threads on a busy machine need luck."""
    bug = cell.subject_named("kept-lost-update-2")
    asked = (cell.TOOLS[tool](bug, 0.3) for _ in range(40))
    return next(seen for seen in asked if seen.first is not None)


def _first(seen: cell.Seen) -> tuple[int | None, str]:
    return seen.first, seen.broke


@pytest.mark.parametrize(
    ("holds", "seen"),
    [(False, (7, "")), (True, (None, "")), (None, (None, "too slow"))],
)
def test_what_frontrun_says_is_not_mistaken(
    holds: bool | None, seen: tuple[int | None, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its False is a failure, its True is none, and its None is no answer at all."""

    async def explore(*_: object, **__: object) -> object:
        return SimpleNamespace(property_holds=holds, num_explored=7, inconclusive_reason="too slow")

    tool = SimpleNamespace(explore=explore, explore_async_random=explore)
    monkeypatch.setitem(sys.modules, "frontrun", tool)
    for name in ("frontrun random", "frontrun dpor"):
        found = cell.TOOLS[name](cell.subject_named("kept-lost-update-2"), 1.0)
        assert seen == (found.first, found.message)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({}, 0, "0 bugs missed, 0 false alarms"),
        ({("ours", "broken: ABA"): None}, 1, "1 bugs missed, 0 false alarms"),
        ({("ours", "turns"): 3}, 1, "0 bugs missed, 1 false alarms"),
        ({("stock asyncio", "turns"): 3, ("detangle", "broken: ABA"): None}, 0, "0 bugs missed"),
    ],
)
def test_the_verdict_is_about_ours(
    changes: dict[tuple[str, str], int | None],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A bug that we miss and an alarm of ours fail the session; those of others are its figures."""

    def measure(_python: Path, tool: str, scenario: str, _seconds: int) -> Cell:
        first = changes.get((tool, scenario), None if scenario in CONTROLS else 2)
        return dataclasses.replace(_cell(tool, first=first, broke="alarm"), scenario=scenario)

    monkeypatch.setattr(session, "measure", measure)
    monkeypatch.setattr(session, "environment", lambda folder: folder)
    record = tmp_path / "record.json"
    assert code == main(["--record", str(record)])
    out = capsys.readouterr().out
    assert said in out.splitlines()[-1]
    assert (("stock asyncio", "turns") in changes) == (
        "stock asyncio on the control turns: alarm" in out
    )
    figures = json.loads(record.read_text())["figures"]
    assert (("ours", "broken: ABA") in changes) != (
        "ours: broken: ABA: to the first failure" in figures
    )
