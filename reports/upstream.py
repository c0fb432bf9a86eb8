"""Do the laws tell real regressions apart? Each pair of releases, under the law that is named.

    python -m reports.upstream [--pair NAME] [--package NAME] [--list] [--all-laws]

For each pair of reports/regressions.toml two throwaway environments are made of real releases, and
the law that the pair names is asked in both. It has told the pair apart when it fails at the bad
release, says there what the pair says it shows, and holds at the good one; anything else is a
miss. What could not be made or asked is unknown, with the reason.

Exit codes: 0 pass (all told apart), 1 fail (a miss), 2 usage error, 3 unknown, 4 invalid.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from reports import marked, regressions, session, terminal
from reports.asking import Asking
from reports.documents import told
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.regressions import Pair
from reports.schema import Figure, PairComparison, PairOutcome, UpstreamRecord, Verdict, given_path

INTERRUPTED = 130
MARK = "upstream"


def build_parser() -> session.Parser:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.upstream", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument("--pair", action="append", default=[], metavar="NAME", help="only this pair")
    made.add_argument(
        "--package", action="append", default=[], metavar="NAME", help="only pairs of this one"
    )
    made.add_argument("--list", action="store_true", help="list the pairs, make nothing")
    made.add_argument(
        "--all-laws", action="store_true", help="ask the other assumption laws too, and tell them"
    )
    made.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(2**31),
        help="for the laws' draws (default: random, recorded)",
    )
    made.add_argument(
        "--page",
        type=given_path,
        metavar="FILE",
        help="write the table into this page, between its two marks",
    )
    return made


def judge(pairs: Sequence[Pair], asking: Asking, progress: Progress) -> list[PairComparison]:
    """Ask pair by pair; a miss or an unknown stops nobody."""
    rows = []
    for number, pair in enumerate(pairs, 1):
        progress.at(f"{number}/{len(pairs)} {pair.name}")
        row = asking.judge(pair)
        progress.say(f"{row.outcome.value:<10}  {pair.name} ({row.elapsed_ms / 1000:.1f} s)")
        rows.append(row)
    return rows


def conclude(rows: Sequence[PairComparison], seed: int, elapsed_s: float) -> UpstreamRecord:
    """One miss is a fail, else one unknown is unknown; nothing judged is no pass."""
    found = {each: sum(row.outcome is each for row in rows) for each in PairOutcome}
    laws = {row.law for row in rows if row.outcome is PairOutcome.TOLD_APART}
    if found[PairOutcome.MISSED]:
        verdict = Verdict.FAIL
    elif found[PairOutcome.UNKNOWN] or not rows:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.PASS
    told = [f"{found[PairOutcome.TOLD_APART]} of {len(rows)} pairs told apart by {len(laws)} laws"]
    told += [f"{found[each]} {each.value}" for each in list(PairOutcome)[1:] if found[each]]
    figures: dict[str, Figure] = {"pairs": len(rows), "laws": len(laws)}
    figures |= {each.value: count for each, count in found.items()}
    return UpstreamRecord(
        name="upstream",
        verdict=verdict,
        summary=f"{', '.join(told)}, {elapsed_s:.0f} s, seed {seed}",
        figures=figures | {"elapsed_s": round(elapsed_s, 1)},
        seed=seed,
        pairs=list(rows),
    )


def markdown(record: UpstreamRecord) -> list[str]:
    """The table of the page: what is printed, with the references."""
    head = ["", "bad", "good", "what differs", "the law that tells them apart", "outcome"]
    lines = []
    for package in dict.fromkeys(row.package for row in record.pairs):
        rows = [
            [
                f"[{row.name}]({row.reference})",
                row.bad,
                row.good,
                row.what + (" (on purpose)" if row.is_on_purpose else ""),
                f"`{row.law}`",
                row.outcome.value,
            ]
            for row in record.pairs
            if row.package == package
        ]
        if rows:
            lines += ["", f"## {package}", "", *marked.table(head, rows)]
    return [*lines, "", f"```text\n{record.last_line}\n```"]


def _rewrite(path: Path, lines: Sequence[str]) -> None:
    try:
        marked.rewrite(path, MARK, lines)
    except OSError as error:
        raise session.UsageError(f"{path}: {error.strerror}.") from error


def _run(options: argparse.Namespace) -> int:
    pairs = regressions.chosen(regressions.corpus(), names=options.pair, packages=options.package)
    if options.list:
        for pair in pairs:
            print(f"{pair.name:<34} {pair.package} {pair.bad} | {pair.good}  {pair.law}")
        return Verdict.PASS.exit_code
    if not 0 <= options.seed < 2**32:
        raise session.UsageError("a seed lies between 0 and 2**32 - 1.")
    if options.page is not None:
        _rewrite(options.page, ["nothing was asked yet"])  # a page without a place is told early
    started = time.monotonic()
    progress = Progress(terminal.console())
    progress.say(f"{len(pairs)} pairs of releases, seed {options.seed}")
    with terminating_like_interrupt(), progress, tempfile.TemporaryDirectory() as scratch:
        asking = Asking(
            pairs,
            scratch=Path(scratch),
            seed=options.seed,
            asks_all=options.all_laws,
            pulse=progress.detail,
        )
        rows = judge(pairs, asking, progress)
    record = conclude(rows, options.seed, time.monotonic() - started)
    if options.page is not None:
        _rewrite(options.page, markdown(record))
    return session.finish(record, options.out, show=lambda: terminal.show(told(record)))


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    try:
        return _run(build_parser().parse_args(session.arguments(given)))
    except session.UsageError as error:
        print(error, file=sys.stderr)
        print("upstream: usage: nothing was asked", flush=True)
        return Verdict.USAGE.exit_code
    except KeyboardInterrupt:
        print("upstream: invalid: interrupted; what ran was ended", flush=True)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
