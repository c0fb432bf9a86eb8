"""Each tool gets the same attempts and the same law; what refuses is told in its own words."""

from __future__ import annotations

import asyncio

import pytest

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
    """Both of them in half a second of schedules, from the same coroutines."""
    bug = cell.TOOLS[tool](cell.subject_named("kept-lost-update-2"), 0.5)
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


def test_the_table_tells_rates_failures_and_refusals_apart() -> None:
    """A dash is no failure, and a message is no figure."""
    table = lines(
        [
            _cell("ours", first=7),
            _cell("stock asyncio"),
            _cell("detangle", schedules=1, message="DeadlockError: blocked"),
            _cell("frontrun dpor", message="inconclusive"),
        ],
        ["turns"],
    )
    assert ["50/s, 7", "50/s, -", "50/s, unsure", "refused"] == [
        each.strip() for each in table[1].removeprefix("control: turns").split("  ") if each.strip()
    ]
    assert ["detangle: DeadlockError: blocked", "frontrun dpor: inconclusive"] == table[2:]


def test_no_time_is_usage() -> None:
    """A cell of no seconds would show nothing."""
    with pytest.raises(UsageError, match="--seconds"):
        main(["--seconds", "0"])
