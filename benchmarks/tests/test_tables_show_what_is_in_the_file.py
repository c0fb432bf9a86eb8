"""The tables and the figures of the record are drawn from the raw rounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import results, tables
from benchmarks.results import Finished
from properties.environment import environment


def finished(tmp_path: Path, *benchmarks: dict[str, Any]) -> Finished:
    """Write such a file and load it."""
    path = tmp_path / "group.json"
    content = {
        "benchmarks": benchmarks,
        "machine_info": {"fsmcore_environment": msgspec.to_builtins(environment())},
        "fsmcore_not_measured": {"benchmarks/test_g.py::test_manager": "no such release"},
    }
    path.write_text(json.dumps(content))
    return results.load(path)


def benchmark(name: str, rounds_s: list[float], **extra_info: object) -> dict[str, Any]:
    """One benchmark as it stands in the file."""
    info = {"synchronous": "NORMAL", **extra_info}
    return {"name": f"test_{name}", "group": "g", "stats": {"data": rounds_s}, "extra_info": info}


def test_a_share_of_the_raw_loop_is_taken_between_neighbours(tmp_path: Path) -> None:
    """The machine became ten times slower in the middle: each pair still says one half."""
    slowing = benchmark("store", [2e-6, 2e-6, 20e-6], raw_rounds_s=[1e-6, 1e-6, 10e-6])
    (only,) = finished(tmp_path, slowing).results
    assert 50.0 == only.percent_of_raw


def test_a_share_by_cpu_time_leaves_waiting_out(tmp_path: Path) -> None:
    """Half the work of the raw loop in a fourth of its speed, and most of it in other threads."""
    info: dict[str, object] = {
        **dict.fromkeys(("latency_p50_us", "latency_p99_us", "task_count", "busy_count"), 1),
        "way": "direct",
        "jain_index": 1.0,
        "raw_rounds_s": [1e-6] * 3,
        "raw_cpu_rounds_s": [1e-6] * 3,
        "cpu_rounds_s": [2e-6] * 3,
        "own_cpu_rounds_s": [0.5e-6] * 3,
    }
    file = finished(tmp_path, benchmark("model", [4e-6] * 3, **info))
    assert (25.0, 50.0) == (file.results[0].percent_of_raw, file.results[0].percent_of_raw_by_cpu)
    row = [line.split() for line in tables.table("ladder", file)][-1]
    assert ["50.0", "0.5", "1.5"] == row[-3:]


def test_growth_is_shown_by_the_wall_and_by_cpu_time(tmp_path: Path) -> None:
    """A million files take four times as long as a hundred, and work twice as much."""
    info: dict[str, object] = {
        "way": "direct",
        "file_count": 1_000_000,
        "raw_rounds_s": [1e-6] * 3,
        "raw_cpu_rounds_s": [1e-6] * 3,
        "cpu_rounds_s": [2e-6] * 3,
    }
    file = finished(tmp_path, benchmark("files", [4e-6] * 3, **info))
    row = [line.split() for line in tables.table("growth", file)][-1]
    assert ["direct", "1,000,000", "4.0", "0", "4.00", "2.00"] == row


def test_rounds_without_a_neighbour_are_no_share(tmp_path: Path) -> None:
    """A raw round more or less than rounds would pair the wrong ones."""
    uneven = benchmark("store", [2e-6, 2e-6], raw_rounds_s=[1e-6])
    (only,) = finished(tmp_path, uneven).results
    with pytest.raises(ValueError, match="longer"):
        _ = only.percent_of_raw


def test_the_ladder_shows_every_rung_measured(tmp_path: Path) -> None:
    """Medians of rounds as a rate and as a time, and the share beside the raw loop."""
    file = finished(
        tmp_path,
        benchmark("raw_loop", [50e-6] * 4, raw_rounds_s=[50e-6] * 4),
        benchmark("store", [1e-3] * 4, raw_rounds_s=[50e-6] * 4),
    )
    rows = [line.split() for line in tables.table("ladder", file)]
    assert ["20,000", "50.0", "0", "100.0"] == rows[1][-4:]
    assert ["1,000", "1,000.0", "0", "5.0"] == rows[2][-4:]


def test_contention_shows_what_delayed_the_tasks(tmp_path: Path) -> None:
    """Every count under its own heading, by tasks and files, and in the record by name."""
    info: dict[str, object] = {
        "task_count": 8,
        "file_count": 1,
        "retry_count": 11,
        "busy_count": 2,
        "stale_count": 9,
        "gave_up_count": 0,
        "latency_p50_us": 1500,
        "latency_p99_us": 2500,
        "latency_max_us": 3500,
        "jain_index": 0.75,
        "throughput_per_s": 1000.0,
        "asked": "hot_file",
        "way": "direct",
    }
    file = finished(tmp_path, benchmark("store[1-8]", [1e-3] * 3, **info))
    heads, cells = (line.split("  ") for line in tables.table("contention", file))
    found = dict(
        zip(
            [head.strip() for head in heads if head.strip()][:-1],  # nothing went on beside it
            [cell.strip() for cell in cells if cell.strip()],
            strict=True,
        )
    )
    names = ("asked", "through", "model", "tasks", "files", "retries", "busy", "stale", "gave up")
    assert ("hot_file", "store", "direct", "8", "1", "11", "2", "9", "0") == tuple(
        found[each] for each in names
    )
    assert ("1.5", "2.5", "3.5", "0.750") == tuple(
        found[each] for each in ("p50 ms", "p99 ms", "max ms", "Jain")
    )
    assert 9 == tables.figures("contention", file)["contention.store[1-8].stale_count"]


def test_the_simulation_is_shown_beside_the_plain_calls(tmp_path: Path) -> None:
    """The ratio is that of neighbours, whatever the two rates are."""
    info: dict[str, object] = {"raw_rounds_s": [5e-4] * 3, "calls_per_schedule": 21.5}
    file = finished(tmp_path, benchmark("store_3", [1e-3] * 3, **info))
    head, cells = (line.split() for line in tables.table("simulation", file))
    assert ["store_3", "1,000", "1,000.0", "0", "50.0", "21.5"] == cells
    assert "schedules/s" in head


def test_the_heading_names_what_the_figures_depend_on(tmp_path: Path) -> None:
    """Python, SQLite, both libraries, the file system, the synchronous level and the load."""
    heading = tables.heading("ladder", finished(tmp_path, benchmark("store", [1e-3])))
    for part in ("python ", "sqlite ", "aiosqlite ", "python-statemachine ", "synchronous NORMAL"):
        assert part in heading


def test_what_was_not_measured_is_named(tmp_path: Path) -> None:
    """A missing rung is a line of its own, with its reason."""
    (line,) = tables.missing(finished(tmp_path, benchmark("store", [1e-3])))
    assert "not measured: manager: no such release" == line.strip()
