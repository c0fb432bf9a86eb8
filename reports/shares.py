"""How often each rule called a candidate slower, over the runs of a campaign: counts and bounds.

A *cell* is what the runs have in common that are counted together. Of each benchmark it has how
often each rule said *slower*; of whole runs, how often they gave each answer. A run whose clocks
were not believed says of no benchmark that it is slower, and is counted all the same.

The bounds are those of C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits
illustrated in the case of the binomial", Biometrika 26 (1934), each side 2.5 %.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from reports import session, statistics
from reports.rivals import RULES
from reports.schema import BenchmarkOutcome, Figure, Verdict

Line = dict[str, Any]  # JSON, written by `campaign` and read here
PAGE = session.ROOT / "docs" / "campaign.md"
MARK = "<!-- the rest is written by the command above -->"
COLUMNS = ("of", "slowdown", "budget", "beside it", "rule", "told", "share", "95 % bounds")
RUN = "a run"
OURS = "this gate: regressed"
SLOWER = "this gate: at least slower"
ANSWERS = (Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.INVALID)
Counts = dict[str, tuple[int, int]]
"""Hits and trials by rule."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """Runs that are counted together; `only` narrows them to one benchmark beside the control."""

    only: str
    slowdown_percent: float
    budget_s: float
    has_hog: bool

    @property
    def options(self) -> str:
        """What asks for such runs, after ``nox -s campaign --``."""
        words = [f"--benchmark {self.only}"] if self.only else []
        words += [f"--slowdown {self.slowdown_percent:g}", f"--budget {self.budget_s:g}"]
        return " ".join([*words, *(["--hog"] if self.has_hog else [])])


def cell_of(line: Line) -> Cell:
    """Where a run is counted."""
    return Cell(
        only=line["only"],
        slowdown_percent=line["slowdown_percent"],
        budget_s=line["budget_s"],
        has_hog=line["hog"],
    )


def is_counted(line: Line) -> bool:
    """Whether a run says anything: one of identical code without an epoch could raise no alarm.

    With a slowdown it has not found it, and counts.
    """
    return bool(line["epochs"]) or cell_of(line).slowdown_percent > 0


def said_slower(row: Line, *, is_believed: bool) -> dict[str, bool]:
    """Which rules said that the candidate is slower, of one benchmark of one run."""
    regressed = is_believed and row["outcome"] == BenchmarkOutcome.REGRESSED.value
    low = row["ratio"][1] if is_believed and row.get("ratio") else None
    ours = {OURS: regressed, SLOWER: regressed or (low is not None and low > 1)}
    others = row.get("others")
    return ours if others is None else ours | {rule: rule in others for rule in RULES}


def counted(lines: Iterable[Line]) -> dict[tuple[Cell, str], Counts]:
    """Hits and trials by cell and benchmark; the answers of whole runs stand under `RUN`."""
    found: dict[tuple[Cell, str], Counts] = {}
    for line in filter(is_counted, lines):
        cell = cell_of(line)
        told = {RUN: {f"answers {each.value}": each.value == line["answer"] for each in ANSWERS}}
        is_believed = line["answer"] != Verdict.INVALID.value
        told |= {
            name: said_slower(row, is_believed=is_believed)
            for name, row in line["benchmarks"].items()
            if name != "control"
        }
        for what, rules in told.items():
            counts = found.setdefault((cell, what), {})
            for rule, hit in rules.items():
                hits, trials = counts.get(rule, (0, 0))
                counts[rule] = (hits + hit, trials + 1)
    # Whole runs first: what a gate answers is more than what it says of one benchmark.
    return dict(sorted(found.items(), key=lambda each: (each[0][0], each[0][1] != RUN, each[0][1])))


def _rows(lines: Sequence[Line]) -> Iterator[tuple[str, ...]]:
    for (cell, what), counts in counted(lines).items():
        for rule, (hits, trials) in counts.items():
            low, high = statistics.proportion_bounds(hits, trials, error=0.025)
            yield (
                f"{RUN} of {cell.only}" if what == RUN and cell.only else what,
                *(f"{cell.slowdown_percent:g} %", f"{cell.budget_s:g} s"),
                *("a hog" if cell.has_hog else "", rule, f"{hits} of {trials}"),
                *(f"{hits / trials:.1%}", f"{low:.1%} … {high:.1%}"),
            )


def table(lines: Sequence[Line]) -> Table:
    """One line a rule."""
    made = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for row in _rows(lines):
        made.add_row(*row)
    return made


def summary(lines: Sequence[Line]) -> str:
    """How many runs, of how many states of the sources, and what one took on average."""
    states = len({each["sources"] for each in lines})
    told = f" of {states} states of the sources" if states > 1 else ""
    each_s = sum(each["elapsed_s"] for each in lines) / max(len(lines), 1)
    return f"{len(lines)} {'run' if len(lines) == 1 else 'runs'}{told}, {each_s:.0f} s each"


def figures(lines: Sequence[Line]) -> Mapping[str, Figure]:
    """The counts of our own rules, for the record."""
    return {
        f"{what} of {cell.options}: {rule}": f"{hits} of {trials}"
        for (cell, what), counts in counted(lines).items()
        for rule, (hits, trials) in counts.items()
        if rule not in RULES
    }


def write_page(lines: Sequence[Line], path: Path) -> None:
    """Replace what follows the mark of the page; raises `UsageError` where it has none."""
    head, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise session.UsageError(f"{session.shown(path)} has no line {MARK!r} to write after.")
    machines = ", ".join(sorted({each["machine"] for each in lines}))
    made = ["", f"{summary(lines)}, on {machines}.", ""]
    made += [f"| {' | '.join(each)} |" for each in (COLUMNS, ["---"] * len(COLUMNS), *_rows(lines))]
    path.write_text("\n".join([head + mark, *made, ""]), encoding="utf-8")
