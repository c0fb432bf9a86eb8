"""Reading pytest-benchmark's JSON, and refusing by name what cannot be compared.

Only raw rounds are believed: the summary statistics in the file are never read. A number that
cannot be a duration (NaN, zero, negative) makes the whole file unusable, because nobody knows
what else went wrong where it was written.
"""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reports.schema import Environment, Verdict

NEWEST_MAJOR_FORMAT = 5
ENVIRONMENT_KEY = "fsmcore_environment"


class UnusableFileError(Exception):
    """A benchmark file cannot be compared: what is wrong, and what to do.

    `verdict` is usage where the wrong file was named, invalid where the right one is damaged.
    """

    def __init__(self, path: str | os.PathLike[str], what: str, advice: str, verdict: Verdict):
        self.path = str(path)
        self.verdict = verdict
        super().__init__(f"{self.path}: {what}. {advice}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark's raw rounds, in seconds for one iteration."""

    name: str
    rounds_s: list[float]
    extra_info: dict[str, Any]  # whatever the benchmark chose to note: JSON, shown and not judged

    @property
    def cpu_rounds_s(self) -> list[float]:
        """CPU seconds of each round for one transition, where the benchmark noted them."""
        noted = self.extra_info.get("cpu_rounds_s")
        if not isinstance(noted, list) or len(noted) != len(self.rounds_s):
            return []
        return [float(each) for each in noted if isinstance(each, (int, float))]

    @property
    def cpu_outside_s(self) -> float | None:
        """CPU seconds for one transition that no round has seen, where the benchmark noted them."""
        noted = self.extra_info.get("cpu_outside_s")
        return float(noted) if isinstance(noted, (int, float)) else None

    @property
    def is_control(self) -> bool:
        """Whether no upgrade can touch this benchmark: it runs on the standard library alone."""
        return short_name(self.name) == "control"

    @property
    def is_counted(self) -> bool:
        """Whether it was counted in lock-step: its rounds are the simulation's own."""
        return self.extra_info.get("instrument") == "counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkFile:
    """One finished run of pytest-benchmark."""

    path: str
    benchmarks: dict[str, Benchmark]
    machine: str
    environment: Environment | None


class _Stats(msgspec.Struct):
    data: list[float] | None = None


class _Benchmark(msgspec.Struct):
    fullname: str
    stats: _Stats
    extra_info: dict[str, Any] = {}


class _File(msgspec.Struct):
    benchmarks: list[_Benchmark]
    machine_info: dict[str, Any]
    version: str


def short_name(full_name: str) -> str:
    """`benchmarks/gate/test_ladder.py::test_control[1]` is `control`."""
    return full_name.rpartition("::")[2].partition("[")[0].removeprefix("test_")


def load(path: str | os.PathLike[str]) -> BenchmarkFile:
    """Read one file whole, or say why it cannot be compared."""
    content = _decode(path, _text(path))
    found: dict[str, Benchmark] = {}
    for each in content.benchmarks:
        if each.fullname in found:
            raise _damaged(path, f"{each.fullname} stands in it twice")
        found[each.fullname] = _benchmark(path, each)
    if not found:
        raise _damaged(path, "it holds no benchmark")
    return BenchmarkFile(
        path=str(path),
        benchmarks=found,
        machine=_machine(content.machine_info),
        environment=_environment(path, content.machine_info.get(ENVIRONMENT_KEY)),
    )


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _wrong_file(path, "no such file") from error
    except OSError as error:
        raise _wrong_file(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _wrong_file(path, "not text, so not JSON") from error


def _decode(path: str | os.PathLike[str], text: str) -> _File:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong_file(path, f"not JSON ({error})") from error
    if groups := _groups_of_a_session(raw):
        raise UnusableFileError(
            path,
            "the record of a session, which holds no rounds",
            f"They stand in a file for each group: name {' or '.join(groups)}.",
            Verdict.USAGE,
        )
    if not isinstance(raw, dict) or not {"benchmarks", "machine_info", "version"} <= raw.keys():
        raise _wrong_file(path, "JSON, but not a record of pytest-benchmark")
    major = str(raw["version"]).partition(".")[0]
    if not major.isdigit() or int(major) > NEWEST_MAJOR_FORMAT:
        raise UnusableFileError(
            path,
            f"written by pytest-benchmark {raw['version']}; formats up to {NEWEST_MAJOR_FORMAT} "
            "are understood",
            "Update this checkout, or write the file with an older pytest-benchmark.",
            Verdict.INVALID,
        )
    try:
        return msgspec.convert(raw, _File)
    except msgspec.ValidationError as error:
        raise _damaged(path, f"not as pytest-benchmark writes it: {error}") from error


def _groups_of_a_session(raw: object) -> list[str]:
    """The files that the record of `nox -s benchmarks` names; none for any other file."""
    figures = raw.get("figures") if isinstance(raw, dict) and "kind" in raw else None
    named = figures.items() if isinstance(figures, dict) else ()
    return [str(value) for name, value in named if str(name).endswith(".file")]


def _benchmark(path: str | os.PathLike[str], each: _Benchmark) -> Benchmark:
    rounds = each.stats.data
    if rounds is None:
        raise _damaged(path, f"{each.fullname} has no raw rounds (stats.data)")
    if not rounds:
        raise _damaged(path, f"{each.fullname} has no rounds")
    wrong = next((value for value in rounds if not (math.isfinite(value) and value > 0)), None)
    if wrong is not None:
        raise _damaged(path, f"{each.fullname} has a round of {wrong} s, which is no duration")
    return Benchmark(name=each.fullname, rounds_s=rounds, extra_info=each.extra_info)


def _machine(machine_info: dict[str, Any]) -> str:
    cpu = machine_info.get("cpu")
    brand = cpu.get("brand_raw") if isinstance(cpu, dict) else None
    parts = (machine_info.get("node"), brand or machine_info.get("machine"))
    return ", ".join(str(part) for part in parts if part)


def _environment(path: str | os.PathLike[str], raw: object) -> Environment | None:
    if raw is None:
        return None
    try:
        return msgspec.convert(raw, Environment)
    except msgspec.ValidationError as error:
        raise _damaged(path, f"machine_info.{ENVIRONMENT_KEY} is damaged: {error}") from error


def _wrong_file(path: str | os.PathLike[str], what: str) -> UnusableFileError:
    advice = (
        "Name a group's file of `nox -s benchmarks`, reports/out/benchmarks/GROUP.json, or one "
        "that `pytest --benchmark-json=FILE` wrote."
    )
    return UnusableFileError(path, what, advice, Verdict.USAGE)


def _damaged(path: str | os.PathLike[str], what: str) -> UnusableFileError:
    advice = "Measure again with `--benchmark-json=FILE`; nothing was compared."
    return UnusableFileError(path, what, advice, Verdict.INVALID)
