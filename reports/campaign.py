"""How often the gate's clocks are wrong, and how small a slowdown they find: real comparisons.

    python -m reports.campaign --benchmark NAME [--slowdown PERCENT] [--comparisons N]
                               [--budget SECONDS] [--data FILE]
    python -m reports.campaign --table [--data FILE]

Each comparison is one run of the clocks as a gate has them, of one benchmark with the control
beside it, in processes of the lock's own environment; `--slowdown` slows the candidate down by
real work. Each is kept at once as one JSON line with its seed, what other tools' rules say of the
same rounds, the command and a digest of the sources. Safe to stop and start again, on another
commit too: what stands in the file is not measured again, and the last line says how many states
of the sources it comes from.

The table gives, for each benchmark and slowdown, how often each rule said *slower*, with the bounds
of Clopper and Pearson (each side 2.5 %).

Exit codes: 0 measured or shown, 2 usage error, 4 the environment did not allow it, 130 interrupted.
"""

import datetime
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from reports import kept, looks, policy, session, statistics, terminal
from reports.environments import Builder, EnvironmentUnavailableError
from reports.ledger import Ledger
from reports.pairs import Epoch, Pairing, Side
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.rivals import RULES
from reports.schema import BenchmarkOutcome, Figure, SessionRecord, Verdict, given_path
from reports.timing import measure

Line = dict[str, Any]  # JSON, written and read here only
BENCHMARKS = ("bare_machine", "aiosqlite_transaction", "manager")
OURS = "this gate"
SLOWER = "this gate, slower or regressed"


def compare_once(
    python: Path,
    *,
    benchmark: str,
    slowdown_percent: float,
    budget_s: float,
    seed: int,
    progress: Progress,
) -> Line:
    """Run the clocks once; returns the line that is kept."""
    draw = random.Random(seed)
    scratch = Path(tempfile.mkdtemp(prefix="fsmcore-campaign-"))
    epochs: list[Epoch] = []
    began = time.monotonic()
    try:
        pairing = Pairing(
            pythons=dict.fromkeys(Side, python),
            checkout=session.ROOT,
            scratch=scratch,
            limit_s=policy.load().limits.benchmarks_s,
            draw=draw,
            pulse=progress.detail,
            slowdown_percent=slowdown_percent,
        )

        def epoch(_: Sequence[str] | None) -> Epoch:
            epochs.append(pairing.epoch([benchmark, "control"]))
            return epochs[-1]

        timing = measure(
            epoch,
            policy.load().time,
            left_s=lambda: began + budget_s - time.monotonic(),
            say=lambda _: None,
            at=progress.at,
            ledger=Ledger(lines=[], changes=[], today=_today()),
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    row = next((each for each in timing.rows if each.name == benchmark), None)
    invalid = any(each.verdict is Verdict.INVALID for each in timing.reasons)
    return {
        "benchmark": benchmark,
        "slowdown_percent": slowdown_percent,
        "budget_s": budget_s,
        "seed": seed,
        "outcome": "invalid" if invalid else row.outcome.value if row else "unknown",
        "ratio": row.ratio if row else None,
        "ratio_low": row.ratio_low if row else None,
        "ratio_high": row.ratio_high if row else None,
        "cpu_ratio": row.cpu_ratio if row else None,
        "visible_percent": looks.smallest_visible_percent(row, policy.load().time) if row else None,
        "epochs": timing.epoch_count,
        "is_pinned": timing.is_pinned,
        "elapsed_s": round(time.monotonic() - began, 2),
        "sources": kept.digest_of_sources()[:12],
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "rivals": _rivals(epochs[1:], benchmark),
        "command": f"nox -s campaign -- --benchmark {benchmark} --slowdown {slowdown_percent:g} "
        f"--budget {budget_s:g}",
    }


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _rivals(epochs: Sequence[Epoch], benchmark: str) -> dict[str, bool]:
    samples = {
        side: [each for epoch in epochs for each in epoch.sides[side].rounds_s.get(benchmark, ())]
        for side in Side
    }
    if any(len(each) < 2 for each in samples.values()):
        return {}
    return {
        name: bool(rule(samples[Side.BASELINE], samples[Side.CANDIDATE]))
        for name, rule in RULES.items()
    }


def read(path: Path) -> list[Line]:
    """The lines so far; a last line that was cut off by a kill is dropped."""
    lines: list[Line] = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
    return lines


def keep(path: Path, lines: Sequence[Line], latest: Line) -> None:
    """Append a line, durably; what a kill had left of another one is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = "".join(json.dumps(each) + "\n" for each in lines).encode()
    if path.exists() and path.read_bytes() != whole:
        path.write_bytes(whole)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(latest) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def done(lines: Iterable[Line], benchmark: str, slowdown_percent: float, budget_s: float) -> int:
    """How many such comparisons stand in the file, whatever sources made them."""
    wanted = (benchmark, slowdown_percent, budget_s)
    return sum(
        (each["benchmark"], each["slowdown_percent"], each["budget_s"]) == wanted for each in lines
    )


def _summary(lines: Sequence[Line], data: Path) -> str:
    states = len({each.get("sources") for each in lines})
    told = f" of {states} states of the sources" if states > 1 else ""
    spent_s = sum(each.get("elapsed_s", 0.0) for each in lines)
    each_s = f", {spent_s / len(lines):.0f} s each" if lines else ""
    return f"{len(lines)} comparisons{told} in {session.shown(data)}{each_s}"


def said_slower(line: Line) -> dict[str, bool]:
    """Which rules said that the candidate is slower."""
    regressed = line["outcome"] == BenchmarkOutcome.REGRESSED.value
    low = line["ratio_low"]
    told = regressed or (line["outcome"] != "invalid" and low is not None and low > 1)
    return {OURS: regressed, SLOWER: told, **line["rivals"]}


def rates(lines: Iterable[Line]) -> dict[tuple[str, float, float], dict[str, tuple[int, int]]]:
    """Hits and comparisons of each rule, by benchmark, slowdown and budget."""
    found: dict[tuple[str, float, float], dict[str, tuple[int, int]]] = {}
    for line in lines:
        cell = found.setdefault((line["benchmark"], line["slowdown_percent"], line["budget_s"]), {})
        for rule, hit in said_slower(line).items():
            hits, trials = cell.get(rule, (0, 0))
            cell[rule] = (hits + hit, trials + 1)
    return found


def table(lines: Sequence[Line]) -> Table:
    """One line a rule."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("benchmark", "slowdown", "budget", "rule", "slower", "share", "95 % bounds"):
        made.add_column(column)
    for (benchmark, percent, budget_s), rules in sorted(rates(lines).items()):
        for rule, (hits, trials) in rules.items():
            low, high = statistics.proportion_bounds(hits, trials, error=0.025)
            made.add_row(
                *(benchmark, f"{percent:g} %", f"{budget_s:g} s", rule, f"{hits} of {trials}"),
                f"{hits / trials:.1%}",
                f"{low:.1%} … {high:.1%}",
            )
    return made


def figures(lines: Sequence[Line]) -> Mapping[str, Figure]:
    """The shares of our own rules, for the record."""
    return {
        f"{benchmark} at {percent:g} % in {budget_s:g} s: {rule}": f"{hits} of {trials}"
        for (benchmark, percent, budget_s), rules in sorted(rates(lines).items())
        for rule, (hits, trials) in rules.items()
        if rule in (OURS, SLOWER)
    }


def _parser() -> session.Parser:
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.campaign", description=description)
    made.epilog = rest
    made.add_argument("--benchmark", choices=BENCHMARKS, help="which one (default: in turns, all)")
    made.add_argument("--slowdown", type=float, default=0.0, metavar="PERCENT", help="default: 0")
    made.add_argument("--comparisons", type=int, default=500, metavar="N", help="default: 500")
    made.add_argument("--budget", type=float, default=60.0, metavar="SECONDS", help="of one")
    made.add_argument("--data", type=given_path, default=None, metavar="FILE", help="JSON lines")
    made.add_argument("--table", action="store_true", help="show what was measured so far")
    return made


def _measure(options: Any, data: Path, progress: Progress) -> None:  # argparse's own namespace
    root = session.ROOT
    builder = Builder(root=root, cache=root / ".gate", pulse=progress.within("uv"))
    python = builder.build(builder.lock_requirements()).python
    chosen = [options.benchmark] if options.benchmark else list(BENCHMARKS)
    for number in range(options.comparisons):
        for benchmark in chosen:
            lines = read(data)
            if done(lines, benchmark, options.slowdown, options.budget) > number:
                continue
            line = compare_once(
                python,
                benchmark=benchmark,
                slowdown_percent=options.slowdown,
                budget_s=options.budget,
                seed=random.SystemRandom().randrange(2**31),
                progress=progress,
            )
            keep(data, lines, line)
            ratio = "no ratio" if line["ratio"] is None else f"{line['ratio']:.4f}"
            progress.say(
                f"{benchmark} {number + 1} of {options.comparisons}: {line['outcome']}, {ratio}, "
                f"{line['epochs']} epochs, {line['elapsed_s']:.0f} s"
            )


def _show(lines: Sequence[Line]) -> None:
    if lines:
        terminal.console().print(table(lines))


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    out, data = session.OUT / "campaign.json", session.OUT / "campaign.jsonl"
    verdict, words = Verdict.PASS, ""
    try:
        options = _parser().parse_args(session.arguments(given))
        out, data = options.out, options.data or data
        if options.comparisons < 1:
            raise session.UsageError(f"--comparisons is {options.comparisons}; one is the least.")
        if options.budget <= 0:
            raise session.UsageError(f"--budget is {options.budget:g} s; give more than 0.")
        if not 0 <= options.slowdown <= 100:
            raise session.UsageError(
                f"--slowdown is {options.slowdown:g} %; give 0 (identical code) to 100."
            )
        if options.table and not data.is_file():
            raise session.UsageError(f"{data}: no such file; nothing was measured yet.")
        if not options.table:
            progress = Progress(terminal.console())
            with terminating_like_interrupt(), progress:
                _measure(options, data, progress)
    except session.UsageError as error:
        verdict, words = Verdict.USAGE, str(error)
    except EnvironmentUnavailableError as error:
        verdict, words = Verdict.INVALID, str(error)
    except KeyboardInterrupt:
        verdict, words = Verdict.INVALID, "interrupted; what was measured is kept"
    lines = read(data)
    if words:
        print(words, file=sys.stderr)
    record = SessionRecord(
        name="campaign",
        verdict=verdict,
        summary=words or _summary(lines, data),
        figures=dict(figures(lines)),
    )
    code = session.finish(record, out, show=lambda: _show(lines))
    return 130 if words.startswith("interrupted") else code


if __name__ == "__main__":
    sys.exit(main())
