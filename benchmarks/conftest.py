"""Options, the fixture that measures a workload, and what the file says of the machine."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import folders
from benchmarks.groups import GROUPS, Place
from benchmarks.sizes import SIZES
from benchmarks.slowed import Slowed
from benchmarks.turns import Turns
from benchmarks.workload import Recorder, Workload, measure
from fsmcore import Synchronous
from properties.environment import environment, filesystem_kind
from properties.machine import cpu_model

_folder = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `python -m benchmarks` hands on."""
    group = parser.getgroup("benchmarks of fsmcore")
    group.addoption("--benchmarks-folder", type=Path, metavar="DIR", help="where databases lie")
    group.addoption("--benchmarks-size", choices=SIZES, default="short", help="how many cells")
    group.addoption("--benchmarks-turns", metavar="SOCKET", help="ask here before each round")
    group.addoption(
        "--benchmarks-slowdown",
        type=float,
        default=0.0,
        metavar="PERCENT",
        help="work on for so much of each round's time, in all but the control",
    )
    group.addoption(
        "--benchmarks-synchronous",
        choices=[each.name for each in Synchronous],
        default=Synchronous.NORMAL.name,
        help="what a commit waits for",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of cells that only the full size measures; see `sizes.sized`."""
    config.addinivalue_line("markers", "full: measured by --benchmarks-size=full only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the size that was asked for leaves out."""
    if config.getoption("benchmarks_size") == "full":
        return
    left_out = [each for each in items if each.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [each for each in items if each not in left_out]


class Measure:
    """Measures the one workload of a test."""

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        folder: Path,
        synchronous: Synchronous,
        turns: Turns | None,
        slowdown_percent: float,
    ) -> None:
        self._recorder = recorder
        self._name = name
        self._folder = folder
        self._synchronous = synchronous
        self._turns = turns
        self._slowdown_percent = slowdown_percent

    def __call__(
        self,
        workload: Workload,
        *,
        rounds: int,
        warmup_rounds: int = 2,
        beside: Workload | None = None,
        synchronous: Synchronous | None = None,
        **labels: str,
    ) -> None:
        """Run it, check it, and only then let it be recorded; ``labels`` stand in the record."""
        self._recorder.extra_info.update(labels)
        if self._slowdown_percent and self._name != "test_control":
            workload = Slowed(workload, self._slowdown_percent)
        measure(
            self._recorder,
            workload,
            name=self._name,
            folder=self._folder,
            synchronous=synchronous if synchronous is not None else self._synchronous,
            rounds=rounds,
            warmup_rounds=warmup_rounds,
            beside=beside,
            turns=self._turns,
        )


class Databases:
    """Lends folders for databases, in memory or on the disk as a group wants it."""

    def __init__(self, config: pytest.Config, opened: contextlib.ExitStack) -> None:
        self._asked: Path | None = config.getoption("benchmarks_folder")
        self._config = config
        self._opened = opened
        self._folders: dict[Place, Path] = {}

    def folder(self, place: Place) -> Path:
        """Return the folder of a place; all of them go at the end of the run."""
        if place not in self._folders:
            parent = self._asked or folders.parent_for(place)
            self._folders[place] = self._opened.enter_context(folders.scratch(parent))
        self._config.stash[_folder] = self._folders[place]
        return self._folders[place]


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """Where the run's databases lie."""
    with contextlib.ExitStack() as opened:
        yield Databases(pytestconfig, opened)


@pytest.fixture(scope="session")
def turns(pytestconfig: pytest.Config) -> Iterator[Turns | None]:
    """The turns of this process, where there is somebody to take them with."""
    path = pytestconfig.getoption("benchmarks_turns")
    if path is None:
        yield None
        return
    taken = Turns(path)
    yield taken
    taken.close()


@pytest.fixture
def measured(
    benchmark: Recorder,
    request: pytest.FixtureRequest,
    databases: Databases,
    turns: Turns | None,
) -> Iterator[Measure]:
    """Call it with a workload."""
    synchronous = Synchronous[request.config.getoption("benchmarks_synchronous")]
    slowdown: float = request.config.getoption("benchmarks_slowdown")
    mark = request.node.get_closest_marker("benchmark")
    place = GROUPS[mark.kwargs["group"]].place
    with folders.scratch(databases.folder(place)) as folder:
        benchmark.extra_info["database_filesystem"] = filesystem_kind(folder)
        yield Measure(benchmark, request.node.name, folder, synchronous, turns, slowdown)


# Optional: `nox -s tests` collects the tests of this package without pytest-benchmark.
@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    """Name the machine without py-cpuinfo, which starts processes for a quarter of a second."""
    return {
        "node": platform.node(),
        "machine": platform.machine(),
        "system": platform.system(),
        "release": platform.release(),
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        "python_compiler": platform.python_compiler(),
        "cpu": {"brand_raw": cpu_model() or ""},
    }


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Add what this process really ran on."""
    seen = environment(database=config.stash.get(_folder, None))
    machine_info["fsmcore_environment"] = msgspec.to_builtins(seen)
