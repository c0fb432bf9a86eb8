"""Options, the fixture that measures a workload, and what the file says of the machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import folders
from benchmarks.workload import Recorder, Workload, measure
from fsmcore import Synchronous
from properties.environment import environment

_folder = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `python -m benchmarks` hands on."""
    group = parser.getgroup("benchmarks of fsmcore")
    group.addoption("--benchmarks-folder", type=Path, metavar="DIR", help="where databases lie")
    group.addoption(
        "--benchmarks-synchronous",
        choices=[each.name for each in Synchronous],
        default=Synchronous.NORMAL.name,
        help="what a commit waits for",
    )


class Measure:
    """Measures the one workload of a test."""

    def __init__(
        self, recorder: Recorder, name: str, folder: Path, synchronous: Synchronous
    ) -> None:
        self._recorder = recorder
        self._name = name
        self._folder = folder
        self._synchronous = synchronous

    def __call__(
        self,
        workload: Workload,
        *,
        rounds: int,
        warmup_rounds: int = 2,
        beside: Workload | None = None,
    ) -> None:
        """Run it, check it, and only then let it be recorded."""
        measure(
            self._recorder,
            workload,
            name=self._name,
            folder=self._folder,
            synchronous=self._synchronous,
            rounds=rounds,
            warmup_rounds=warmup_rounds,
            beside=beside,
        )


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Iterator[Path]:
    """Where the run's databases lie."""
    parent: Path = pytestconfig.getoption("benchmarks_folder") or folders.default_parent()
    with folders.scratch(parent) as folder:
        pytestconfig.stash[_folder] = folder
        yield folder


@pytest.fixture
def measured(
    benchmark: Recorder, request: pytest.FixtureRequest, databases: Path
) -> Iterator[Measure]:
    """Call it with a workload."""
    synchronous = Synchronous[request.config.getoption("benchmarks_synchronous")]
    with folders.scratch(databases) as folder:
        yield Measure(benchmark, request.node.name, folder, synchronous)


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
        "cpu": {"brand_raw": _cpu_name()},
    }


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Add what this process really ran on."""
    seen = environment(database=config.stash.get(_folder, None))
    machine_info["fsmcore_environment"] = msgspec.to_builtins(seen)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
