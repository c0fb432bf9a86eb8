"""Tables and lines for people. Plain text where there is no terminal, no colour with NO_COLOR."""

import re
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports import session
from reports.load import short_name
from reports.schema import (
    BehaviourChange,
    BenchmarkComparison,
    BenchmarkOutcome,
    ChangeOutcome,
    LawComparison,
    LawOutcome,
    PairComparison,
    PairOutcome,
    Reason,
    Turned,
    Verdict,
    VersionChange,
)

PLAIN_WIDTH = 110
BRIEF_LENGTH = 240
EXCERPT_HEAD = 24
EXCERPT_TAIL = 8
EXCEPTION_LINE = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Warning)\b")

_VERDICT_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.INVALID: "magenta",
    Verdict.USAGE: "magenta",
}
_ALARMS = {
    BenchmarkOutcome.REGRESSED,
    BenchmarkOutcome.NOT_QUIET,
    LawOutcome.NEW_FAILURE,
    PairOutcome.MISSED,
}


class _Outlasting(Console):
    """Goes on when its reader leaves; rich would end the process with a code of its own."""

    def on_broken_pipe(self) -> None:
        """Print into nothing from now on."""
        self.quiet = True
        session.let_the_reader_go()


def console() -> Console:
    """Standard output; a pipe gets a fixed width, so that nothing is cut to 80 columns."""
    return _Outlasting(
        width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, soft_wrap=False
    )


def printable(text: str) -> str:
    """Text of somebody else's process, without what could move the cursor or hide a line."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def brief(text: str) -> str:
    """One line for a sentence: of a traceback what was raised, of other text the first line."""
    lines = [line.strip(" |+-") for line in text.strip().splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        return ""
    head, is_traceback, _ = lines[0].partition("Traceback")
    raised = [line for line in lines if EXCEPTION_LINE.match(line)]
    if is_traceback and raised:
        head = head.replace("Exception Group", "").strip(" +") + f" {raised[-1]}"
    else:
        head = lines[0]
    return head.strip()[:BRIEF_LENGTH]


def excerpt(text: str) -> str:
    """The beginning and the end of a long text; the end holds the command that replays it."""
    lines = printable(text).splitlines()
    hidden = len(lines) - EXCERPT_HEAD - EXCERPT_TAIL
    if hidden <= 0:
        return "\n".join(lines)
    middle = [f"  ... {hidden} more lines in the record ..."]
    return "\n".join([*lines[:EXCERPT_HEAD], *middle, *lines[-EXCERPT_TAIL:]])


def benchmark_table(rows: Iterable[BenchmarkComparison]) -> Table:
    """One line a benchmark: both sides, the ratio, its interval, and what follows."""
    table = _table(
        *("benchmark", "baseline µs", "candidate µs", "ratio", "interval", "CPU", "twin", "outcome")
    )
    for column in (*table.columns[1:4], *table.columns[5:7]):
        column.justify = "right"
    for row in rows:
        table.add_row(
            Text(short_name(row.name) + (" (control)" if row.is_control else "")),
            f"{row.baseline_us:,.1f}",
            f"{row.candidate_us:,.1f}",
            f"{row.ratio:.3f}",
            interval(row),
            "-" if row.cpu_ratio is None else f"{row.cpu_ratio:.3f}",
            "-" if row.twin_ratio is None else f"{row.twin_ratio:.3f}",
            _outcome(row.outcome, row.reason, row.accepted),
        )
    return table


def interval(row: BenchmarkComparison) -> str:
    """The bounds as text; a bound that the sample cannot give is a dash."""
    low = "-" if row.ratio_low is None else f"{row.ratio_low:.3f}"
    high = "-" if row.ratio_high is None else f"{row.ratio_high:.3f}"
    return f"{low} … {high}"


def law_table(rows: Sequence[LawComparison]) -> Table:
    """One line a law."""
    table = _table("law", "baseline", "candidate", "outcome")
    for row in rows:
        table.add_row(
            Text(printable(row.law)),
            "-" if row.baseline is None else row.baseline.value,
            "-" if row.candidate is None else row.candidate.value,
            _outcome(row.outcome, row.reason, row.accepted),
        )
    return table


def behaviour_table(rows: Sequence[BehaviourChange]) -> Table:
    """One line a change: what it means for the verdict, and the change as a sentence."""
    table = _table("behaviour", "what changed")
    for row in rows:
        style = "yellow" if row.outcome is ChangeOutcome.CHANGED else "default"
        table.add_row(Text(row.outcome.value, style=style), Text(printable(row.sentence)))
    return table


def pair_table(rows: Iterable[PairComparison]) -> Table:
    """One line a pair of releases, under the law that must tell them apart."""
    table = _table("pair", "bad", "good", "law", "seconds", "outcome")
    for row in rows:
        style = "bold red" if row.outcome in _ALARMS else "default"
        table.add_row(
            Text(f"{row.package}: {row.name}"),
            row.bad,
            row.good,
            Text(row.law),
            f"{row.elapsed_ms / 1000:.1f}",
            Text(row.outcome.value, style=style),
        )
    return table


def turned_table(rows: Iterable[Turned]) -> Table:
    """One line for each thing that turned: at which release, what, and what nobody could ask."""
    table = _table("first changed", "kind", "what", "asked")
    for row in rows:
        told = [f"{row.what} [{row.name}]", row.confirmation or ""]
        told += [f"not known: {', '.join(row.unknown)}"] if row.unknown else []
        told += [] if row.is_confirmed else ["not confirmed by its neighbours"]
        table.add_row(
            row.first_changed,
            row.kind.value,
            Text(printable("; ".join(filter(None, told)))),
            str(row.asked_count),
        )
    return table


def version_table(rows: Sequence[VersionChange]) -> Table:
    """What differs between the two environments, and whether it was asked for."""
    table = _table("library", "baseline", "candidate", "")
    for row in rows:
        remark = "asked" if row.was_asked else "came along"
        table.add_row(Text(row.name), row.baseline or "absent", row.candidate or "absent", remark)
    return table


def print_reasons(target: Console, reasons: Iterable[Reason], notes: Iterable[str] = ()) -> None:
    """The reasons in their order of weight, each under its verdict; notes weigh nothing."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for reason in reasons:
        style = _VERDICT_STYLES[reason.verdict]
        label = "accepted" if reason.is_accepted else reason.verdict.value
        table.add_row(Text(label, style=style), Text(printable(reason.text)))
    for note in notes:
        table.add_row(Text("note", style="dim"), Text(printable(note)))
    target.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _outcome(
    outcome: BenchmarkOutcome | LawOutcome, reason: str | None, accepted: str | None = None
) -> Text:
    if accepted is not None:
        return Text(f"{outcome.value}, accepted", style="yellow")
    text = Text(outcome.value, style="bold red" if outcome in _ALARMS else "default")
    if reason:
        text.append(f": {printable(brief(reason))}", style="default")
    return text
