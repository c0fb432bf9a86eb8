"""Time what a transition costs, layer by layer and under contention.

    python -m benchmarks [--group NAME ...] [--size short|full] [--synchronous LEVEL]
                         [--folder DIR] [--json FILE | --out FILE] [-- options of pytest]
    python -m benchmarks --list

Each group runs in a fresh process under pytest-benchmark; a workload whose result is wrong is a
failure and leaves no figure. Without --json the session keeps its record in reports/out, with
pytest-benchmark's own files beside it in reports/out/benchmarks. With --json it writes that one
file, pytest-benchmark's own, and nothing else: that is how a gate asks.

Figures of two runs are not comparable (the machine is shared and its speed drifts): read ratios
inside one table only. For a verdict on two releases use `nox -s gate -- REQUIREMENT`.

Exit codes: 0 measured, 1 a benchmark failed or its result was wrong, 2 usage error, 3 nothing
was measured, 4 the environment did not allow it.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from benchmarks import results, stability, tables
from benchmarks.groups import GROUPS, SHORT, Place
from benchmarks.process import INTERRUPTED, ROOT, Said, heard, measure
from benchmarks.results import Finished
from benchmarks.sizes import SIZES
from reports import schema
from reports.schema import (
    Figure,
    RecordNotWrittenError,
    SessionRecord,
    Verdict,
    given_path,
    record_path,
)

OUT = ROOT / "reports" / "out" / "benchmarks.json"
LEVELS = ("NORMAL", "FULL", "EXTRA")
GRACE_S = 10.0
SEVERITY = (Verdict.PASS, Verdict.UNKNOWN, Verdict.INVALID, Verdict.USAGE, Verdict.FAIL)


class UsageError(Exception):
    """The command line asks for something that cannot be done; the message says what to do."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. `{self.prog} --help` explains.")


def parser() -> argparse.ArgumentParser:
    """The options of the session; what follows `--` is pytest's."""
    made = _Parser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    made.add_argument(
        "--group",
        action="append",
        choices=(*GROUPS, "all"),
        help="may be repeated (default: those that --list marks)",
    )
    made.add_argument("--list", action="store_true", help="name the groups, measure nothing")
    made.add_argument(
        "--size",
        choices=SIZES,
        default="short",
        help="how many tasks, files and writers are swept (default: short)",
    )
    made.add_argument(
        "--synchronous",
        choices=LEVELS,
        default="NORMAL",
        help="what a commit waits for (default: NORMAL, which leaves the disk out of the figures)",
    )
    made.add_argument(
        "--folder",
        type=given_path,
        metavar="DIR",
        help="where databases lie (default: /dev/shm where it has room, else the temporary folder)",
    )
    made.add_argument(
        "--turns", metavar="SOCKET", help="ask here before each round, as processes of a pair do"
    )
    kept = made.add_mutually_exclusive_group()
    kept.add_argument(
        "--out",
        type=record_path,
        metavar="FILE",
        default=OUT,
        help="where the record goes (default: reports/out/benchmarks.json)",
    )
    kept.add_argument(
        "--json",
        type=record_path,
        metavar="FILE",
        help="write pytest-benchmark's own file here, only",
    )
    return made


def main(given: Sequence[str]) -> int:
    """Run the session; its last line says what came of it."""
    cut = given.index("--") if "--" in given else len(given)
    ours, pytests = given[:cut], given[cut + 1 :]
    try:
        chosen = parser().parse_args(ours)
        if chosen.folder is not None and not chosen.folder.is_dir():
            raise UsageError(f"--folder {chosen.folder}: no such folder. Make it first.")
        if chosen.list:
            print("\n".join(_listed()))
            return Verdict.PASS.exit_code
        options = [
            f"--benchmarks-synchronous={chosen.synchronous}",
            f"--benchmarks-size={chosen.size}",
        ]
        if chosen.turns is not None:
            options.append(f"--benchmarks-turns={chosen.turns}")
        if chosen.folder is not None:
            options.append(f"--benchmarks-folder={chosen.folder.absolute()}")
        groups = _groups(chosen.group)
        if chosen.json is not None:
            said = measure(groups, chosen.json.absolute(), [*options, *pytests])
        else:
            return _recorded(groups, chosen.out.absolute(), [*options, *pytests])
    except UsageError as error:
        said = Said(verdict=Verdict.USAGE, words=str(error))
    except KeyboardInterrupt:
        said = Said(verdict=Verdict.INVALID, words=INTERRUPTED)
    except Exception:  # noqa: BLE001 - a stopwatch that breaks has measured nothing, and says so
        traceback.print_exc()
        said = Said(verdict=Verdict.INVALID, words="the harness failed, see above")
    return _finish(SessionRecord(name="benchmarks", verdict=said.verdict, summary=said.words))


def _groups(asked: Sequence[str] | None) -> tuple[str, ...]:
    if asked is None:
        return SHORT
    return tuple(GROUPS) if "all" in asked else tuple(dict.fromkeys(asked))


def _listed() -> Iterator[str]:
    for name, group in GROUPS.items():
        mark = "*" if group.in_short else " "
        where = ", on the disk" if group.place is Place.DISK else ""
        yield f"{mark} {name:<12} {group.sentence}{where}; about {group.about_s} s"
    yield "* measured when no --group is given; times on an idle machine, --size short"


def _recorded(groups: Sequence[str], out: Path, options: Sequence[str]) -> int:
    """Measure each group in a process of its own, print its table, keep the record."""
    finished: dict[str, Finished] = {}
    said: dict[str, Said] = {}
    kept = out.parent / out.stem
    try:
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".measuring.", dir=kept) as scratch:
            for group in groups:
                measured = Path(scratch, f"{group}.json")
                said[group] = _in_a_process(group, measured, options)
                if measured.exists():
                    finished[group] = results.load(measured)
                    measured.replace(kept / measured.name)
    except OSError as error:
        words = f"cannot write to {_shown(kept)}: {error.strerror}; nothing was recorded"
        return _finish(
            SessionRecord(name="benchmarks", verdict=Verdict.INVALID, summary=words), out
        )
    for group, each in finished.items():
        print(f"\n{tables.heading(group, each)}")
        print("\n".join([*tables.table(group, each), *tables.missing(each)]))
        for doubt in stability.doubts(group, each):
            print(f"  doubt: {doubt}")
    print()
    return _finish(_record(said, finished, kept), out)


def _in_a_process(group: str, measured: Path, options: Sequence[str]) -> Said:
    command = [sys.executable, "-m", "benchmarks.process", group, str(measured), *options]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # Give it time to remove its databases: memory has no reboot to clean it.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(GRACE_S)
        process.kill()
        process.wait()
        raise
    return heard(measured) or Said(verdict=Verdict.INVALID, words=f"ended with {code}, see above")


def _record(said: dict[str, Said], finished: dict[str, Finished], kept: Path) -> SessionRecord:
    figures: dict[str, Figure] = {}
    for group, each in finished.items():
        figures[f"{group}.file"] = _shown(kept / f"{group}.json")
        figures |= tables.figures(group, each)
        figures[f"{group}.doubts"] = " | ".join(map(str, stability.doubts(group, each)))
    words = [f"{group}: {each.words}" for group, each in said.items()]
    last = list(finished.values())[-1].environment if finished else None
    return SessionRecord(
        name="benchmarks",
        verdict=max((each.verdict for each in said.values()), key=SEVERITY.index),
        summary="; ".join([*words, *_headline(finished)]),
        figures=figures,
        versions=last.versions() if last else {},
        environment=last,
    )


def _headline(finished: dict[str, Finished]) -> list[str]:
    if "ladder" not in finished:
        return []
    shown = {name: finished["ladder"].named(name) for name in ("store", "manager_statemachine")}
    return [
        f"{name} {each.percent_of_raw:.1f} % of the raw loop"
        for name, each in shown.items()
        if each is not None and each.percent_of_raw is not None
    ]


def _finish(record: SessionRecord, out: Path | None = None) -> int:
    """Keep the record, say the last line, return the exit code."""
    try:
        if out is not None:
            schema.write(out, record)
    except RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        summary = f"{record.summary}; the record is not written"
        record = msgspec.structs.replace(record, verdict=Verdict.INVALID, summary=summary)
    # Late: whatever was measured in this process did without.
    from reports.documents.files import append_to_step_summary

    append_to_step_summary(record, beside=None if out is None else out.parent / out.stem)
    sys.stderr.flush()
    print(record.last_line, flush=True)
    return record.verdict.exit_code


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
