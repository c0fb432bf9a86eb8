"""How often the gate's clocks are wrong, and how small a slowdown they find: real comparisons.

    python -m reports.campaign [--slowdown PERCENT] [--hog] [--comparisons N] [--budget SECONDS]
                               [--benchmark NAME] [--cpu N] [--data FILE]
    python -m reports.campaign --table [--write-docs] [--data FILE]

Each comparison is one whole run of the clocks as a gate has them: its benchmarks and the control,
in processes of the lock's own environment, until all are settled or the budget ends. `--benchmark`
narrows the runs to one and the control; `--slowdown` slows the candidate down by real work; `--hog`
runs a process beside it that does nothing but take a CPU. Two campaigns may run at once, each with
a `--cpu` of its own.

Each run is kept at once as one JSON line: its command and seed, what it answered, what it said of
each benchmark and what other tools' rules say of the same rounds, a digest of the sources. Safe to
stop and start again, on another commit too: what stands in the file is not measured again, and the
last line says how many states of the sources it comes from.

The table gives, for whole runs and for each benchmark, how often each rule spoke, with bounds.

Exit codes: 0 measured or shown, 2 usage error, 4 the environment did not allow it, 130 interrupted.
"""

import contextlib
import datetime
import fcntl
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reports import kept, looks, policy, session, shares, terminal
from reports.environments import Builder, EnvironmentUnavailableError
from reports.judgement import decide
from reports.ledger import Ledger
from reports.load import short_name
from reports.pairs import Epoch, Pairing, Side
from reports.policy import TimePolicy
from reports.processes import LAUNCH, kill_group, terminating_like_interrupt, uninterrupted
from reports.progress import Progress
from reports.rivals import RULES
from reports.schema import BenchmarkComparison, SessionRecord, Verdict, given_path
from reports.shares import Cell, Line
from reports.timing import measure

BENCHMARKS = ("bare_machine", "aiosqlite_transaction", "manager")
DATA = session.ROOT / "docs" / "campaign.jsonl"
WORDS_MOST = 120
"""Of the reason why a run did not pass; the line stays short."""


def compare_once(
    python: Path, cell: Cell, *, cpu: int | None, seed: int, progress: Progress
) -> Line:
    """Run the clocks once, as a gate does; returns the line that is kept."""
    time_policy = policy.load().time
    scratch = Path(tempfile.mkdtemp(prefix="fsmcore-campaign-"))
    epochs: list[Epoch] = []
    began = time.monotonic()
    try:
        pairing = Pairing(
            starts={side: [str(python), "-m"] for side in Side},
            checkout=session.ROOT,
            scratch=scratch,
            limit_s=policy.load().limits.benchmarks_s,
            draw=random.Random(seed),
            pulse=progress.detail,
            slowdown_percent=cell.slowdown_percent,
            cpus=None if cpu is None else [cpu],
        )

        def epoch(wanted: Sequence[str] | None) -> Epoch:
            chosen = [cell.only, "control"] if cell.only else wanted
            epochs.append(pairing.epoch(chosen))
            return epochs[-1]

        with hog() if cell.has_hog else contextlib.nullcontext():
            timing = measure(
                epoch,
                time_policy,
                left_s=lambda: began + cell.budget_s - time.monotonic(),
                say=lambda _: None,
                at=progress.at,
                ledger=Ledger(
                    lines=[], changes=[], today=datetime.datetime.now(datetime.UTC).date()
                ),
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    answer, reasons = decide(timing.reasons)
    rows = {short_name(row.name): row for row in timing.rows}
    asked = [cell.only] if cell.only else BENCHMARKS
    return {
        "command": f"nox -s campaign -- {cell.options}",
        "only": cell.only,
        "slowdown_percent": cell.slowdown_percent,
        "budget_s": cell.budget_s,
        "hog": cell.has_hog,
        "cpu": cpu,
        "seed": seed,
        "answer": answer.value,
        "why": None if answer is Verdict.PASS else reasons[0].text[:WORDS_MOST],
        "epochs": timing.epoch_count,
        "pinned": timing.is_pinned,
        "elapsed_s": round(time.monotonic() - began, 1),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "sources": kept.digest_of_sources()[:12],
        "machine": _machine(),
        "benchmarks": {
            name: _row(rows.get(name), _others(epochs[1:], name), time_policy)
            for name in (*asked, "control")
        },
    }


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


@contextlib.contextmanager
def hog() -> Iterator["subprocess.Popen[bytes]"]:
    """A process beside us that takes a CPU, whichever it gets, and nothing else."""
    process: subprocess.Popen[bytes] | None = None
    busy = [sys.executable, "-I", "-c", "while True: pass"]
    try:
        with uninterrupted():
            process = subprocess.Popen(
                [sys.executable, "-I", str(LAUNCH), "-", str(os.getpid()), *busy],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None:
            kill_group(process.pid)
            process.wait()


def _row(row: BenchmarkComparison | None, others: list[str] | None, policy: TimePolicy) -> Line:
    """What a run said of one benchmark: its ratio with both bounds, and what may explain it."""
    if row is None:
        return {"outcome": "unknown"}
    rounded = [
        None if each is None else round(each, 4)
        for each in (
            row.ratio,
            row.ratio_low,
            row.ratio_high,
            row.cpu_ratio,
            row.twin_ratio,
            row.hidden_percent,
        )
    ]
    visible = looks.smallest_visible_percent(row, policy)
    return {
        "outcome": row.outcome.value,
        "ratio": rounded[:3],
        "cpu": rounded[3],
        "twin": rounded[4],
        "hidden_percent": rounded[5],
        "visible_percent": None if visible is None else round(visible, 2),
        "epochs": row.epoch_count,
        **({} if row.is_control else {"others": others}),
    }


def _others(epochs: Sequence[Epoch], benchmark: str) -> list[str] | None:
    """Which rules of other tools call it slower; None where they have nothing to go by."""
    samples = {
        side: [each for epoch in epochs for each in epoch.sides[side].rounds_s.get(benchmark, ())]
        for side in Side
    }
    if any(len(each) < 2 for each in samples.values()):
        return None
    both = samples[Side.BASELINE], samples[Side.CANDIDATE]
    return [name for name, rule in RULES.items() if rule(*both)]


def read(path: Path) -> list[Line]:
    """The lines so far; a last one that a kill has cut off does not count.

    Raises `UsageError` for anything else that is no line of a campaign.
    """
    lines: list[Line] = []
    if path.exists():
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                lines.append(json.loads(text))
                shares.cell_of(lines[-1])
            except (ValueError, TypeError, KeyError) as error:
                raise session.UsageError(
                    f"{session.shown(path)}, line {number}: no line of a campaign. "
                    "Name another --data, or mend it."
                ) from error
    return lines


def keep(path: Path, latest: Line) -> None:
    """Append a line, durably; what a kill had left of another one is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # another campaign may write there
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(json.dumps(latest, separators=(",", ":")).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def done(lines: Sequence[Line], cell: Cell) -> int:
    """How many such runs stand in the file that count, whatever sources made them."""
    return sum(shares.cell_of(each) == cell and shares.is_counted(each) for each in lines)


def _parser() -> session.Parser:
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.campaign", description=description)
    made.epilog = rest
    made.add_argument("--benchmark", choices=BENCHMARKS, default="", help="one (default: all)")
    made.add_argument("--slowdown", type=float, default=0.0, metavar="PERCENT", help="default: 0")
    made.add_argument("--hog", action="store_true", help="a process beside it that takes a CPU")
    made.add_argument("--comparisons", type=int, default=500, metavar="N", help="default: 500")
    made.add_argument(
        "--budget", type=float, default=120.0, metavar="SECONDS", help="of one run (default: 120)"
    )
    made.add_argument("--cpu", type=int, metavar="N", help="pin all to it (default: drawn anew)")
    made.add_argument(
        "--data", type=given_path, metavar="FILE", help="default: docs/campaign.jsonl"
    )
    made.add_argument("--table", action="store_true", help="show what was measured so far")
    made.add_argument("--write-docs", action="store_true", help="and write it to docs/campaign.md")
    return made


def _measure(options: Any, data: Path, progress: Progress) -> None:  # argparse's own namespace
    root = session.ROOT
    builder = Builder(root=root, cache=root / ".gate", pulse=progress.within("uv"))
    python = builder.build(builder.lock_requirements()).python
    cell = Cell(
        only=options.benchmark,
        slowdown_percent=options.slowdown,
        budget_s=options.budget,
        has_hog=options.hog,
    )
    while (number := done(read(data), cell) + 1) <= options.comparisons:
        seed = random.SystemRandom().randrange(2**31)
        line = compare_once(python, cell, cpu=options.cpu, seed=seed, progress=progress)
        keep(data, line)
        told = ", ".join(_glance(*each) for each in line["benchmarks"].items())
        progress.say(
            f"{number} of {options.comparisons}: {line['answer']}, {told}; "
            f"{line['epochs']} epochs, {line['elapsed_s']:.0f} s"
        )


def _glance(name: str, row: Mapping[str, Any]) -> str:
    return f"{name} {row['ratio'][0]:.3f}" if "ratio" in row else f"{name} -"


def _refuse(options: Any, data: Path) -> None:  # argparse's own namespace
    if options.comparisons < 1:
        raise session.UsageError(f"--comparisons is {options.comparisons}; one is the least.")
    if options.budget <= 0:
        raise session.UsageError(f"--budget is {options.budget:g} s; give more than 0.")
    if not 0 <= options.slowdown <= 100:
        raise session.UsageError(
            f"--slowdown is {options.slowdown:g} %; give 0 (identical code) to 100."
        )
    if options.cpu is not None and options.cpu not in os.sched_getaffinity(0):
        usable = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        raise session.UsageError(f"--cpu is {options.cpu}; there are {usable}.")
    if options.write_docs and not options.table:
        raise session.UsageError("--write-docs goes with --table.")
    if options.table and not read(data):
        raise session.UsageError(f"{session.shown(data)}: nothing was measured yet.")


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    out, lines = session.OUT / "campaign.json", list[Line]()
    verdict, words = Verdict.PASS, ""
    try:
        options = _parser().parse_args(session.arguments(given))
        out, data = options.out, options.data or DATA
        _refuse(options, data)
        try:
            if not options.table:
                progress = Progress(terminal.console())
                with terminating_like_interrupt(), progress:
                    _measure(options, data, progress)
        finally:
            lines = read(data)
        if options.write_docs:
            shares.write_page(lines, shares.PAGE)
        words = f"{shares.summary(lines)} in {session.shown(data)}"
    except session.UsageError as error:
        verdict, words = Verdict.USAGE, str(error)
    except EnvironmentUnavailableError as error:
        verdict, words = Verdict.INVALID, str(error)
    except KeyboardInterrupt:
        verdict, words = Verdict.INVALID, "interrupted; what was measured is kept"
    if verdict is not Verdict.PASS:
        print(words, file=sys.stderr)
    record = SessionRecord(
        name="campaign", verdict=verdict, summary=words, figures=dict(shares.figures(lines))
    )
    code = session.finish(record, out, show=lambda: _show(lines))
    return 130 if words.startswith("interrupted") else code


def _show(lines: Sequence[Line]) -> None:
    if lines:
        terminal.console().print(shares.table(lines))


if __name__ == "__main__":
    sys.exit(main())
