"""What the gate found, and what two finished files say beside each other."""

from collections.abc import Iterable, Iterator, Sequence

from reports.documents.model import Case, CaseOutcome, Cell, Document, Passage, Section, Table, Tone
from reports.documents.ratios import Bounds, by_epoch, every_round, forest
from reports.documents.surroundings import ran_on
from reports.documents.words import brief
from reports.load import short_name
from reports.schema import (
    AcceptedLine,
    AcceptedState,
    BehaviourChange,
    BenchmarkComparison,
    BenchmarkOutcome,
    ChangeOutcome,
    CompareRecord,
    GateRecord,
    LawComparison,
    LawOutcome,
    Reason,
    SessionRecord,
    Verdict,
    VersionChange,
)

ALARMS = {BenchmarkOutcome.REGRESSED, BenchmarkOutcome.NOT_QUIET, LawOutcome.NEW_FAILURE}
DOUBTS = {BenchmarkOutcome.UNKNOWN, LawOutcome.UNKNOWN, LawOutcome.FAILS_OTHERWISE}


def gate(record: GateRecord) -> Document:
    """The verdict on an upgrade, with its evidence."""
    open_laws = [
        row for row in record.laws if row.outcome is not LawOutcome.HOLDS and not row.is_not_offered
    ]
    silent = sum(row.is_not_offered for row in record.laws)
    held = len(record.laws) - len(open_laws) - silent
    broken = [row for row in record.laws if _is_broken(row)]
    sections = [
        Section(
            title="Newly broken",
            sentence="Each law with its smallest counterexample, and how to see it again.",
            passages=[
                Passage(title=row.law, text=row.failure or "", sentence=row.sentence)
                for row in broken
            ],
        ),
        Section(
            title="Laws",
            sentence=f"{held} of {len(record.laws)} hold on both sides, {len(open_laws)} do not"
            + (f", {silent} cannot be asked." if silent else "."),
            tables=[
                *([law_table(open_laws)] if open_laws else []),
                law_table(record.laws, title="All laws", is_folded=True),
            ],
            is_folded=True,
        ),
        Section(
            title="Behaviour",
            sentence=f"{len(record.behaviour)} things done otherwise, law or no law.",
            tables=[behaviour_table(record.behaviour)] if record.behaviour else [],
            is_folded=True,
        ),
        *costs(
            record.benchmarks,
            Bounds(
                margin_percent=record.margin_percent, tolerance_percent=record.tolerance_percent
            ),
            sentence=record.guarantee or "",
        ),
        Section(
            title="What was compared",
            tables=[version_table(record.changes)] if record.changes else [],
            is_folded=True,
        ),
        Section(title="The ledger", tables=[*_ledger(record.ledger)], is_folded=True),
        Section(title="What it ran on", tables=[ran_on(record.environment)], is_folded=True),
    ]
    notes = [*record.weaknesses, *remarks(record.ledger)]
    if broken and record.replay:
        notes.append(f"to ask a law again with this upgrade: {record.replay} --law NAME")
    if record.guarantee and record.benchmarks:
        notes.append(record.guarantee)
    asked = ", ".join(record.requirements)
    return Document(
        name=record.name,
        title=f"May we upgrade? {asked}" if asked else "May we upgrade?",
        verdict=record.verdict,
        summary=record.summary,
        answer=_answer(record.reasons, record),
        sections=[each for each in sections if each.tables or each.passages or each.drawings],
        reasons=record.reasons,
        notes=notes,
        cases=[
            *map(_law_case, record.laws),
            *map(_behaviour_case, record.behaviour),
            *(benchmark_case(row, record.verdict) for row in record.benchmarks),
        ],
    )


def compare(record: CompareRecord) -> Document:
    """Two finished files; never a pass."""
    alone = [
        f"only in the {side}, not compared: {', '.join(names)}"
        for side, names in (
            ("baseline", record.only_baseline),
            ("candidate", record.only_candidate),
        )
        if names
    ]
    return Document(
        name=record.name,
        title="Two finished runs, side by side",
        verdict=record.verdict,
        summary=record.summary,
        answer=_answer(record.reasons, record),
        sections=[
            *costs(
                record.benchmarks,
                Bounds(margin_percent=record.margin_percent, tolerance_percent=None),
                sentence=" against ".join(
                    filter(None, (record.candidate_path, record.baseline_path))
                ),
            ),
            Section(title="What it ran on", tables=[ran_on(record.environment)], is_folded=True),
        ],
        reasons=record.reasons,
        notes=alone,
        cases=[benchmark_case(row, record.verdict) for row in record.benchmarks],
    )


def _answer(reasons: Sequence[Reason], record: SessionRecord) -> str:
    """The heaviest reason, in a sentence."""
    return brief(reasons[0].text) if reasons else record.summary


def law_table(rows: Iterable[LawComparison], *, title: str = "", is_folded: bool = False) -> Table:
    """One line a law."""
    return Table(
        title=title,
        heads=("law", "baseline", "candidate", "outcome"),
        rows=[
            (
                row.law,
                "-" if row.baseline is None else row.baseline.value,
                "-" if row.candidate is None else row.candidate.value,
                outcome(row),
            )
            for row in rows
        ],
        is_folded=is_folded,
    )


def benchmark_table(rows: Iterable[BenchmarkComparison]) -> Table:
    """One line a benchmark: both sides, the ratio, its interval, and what follows."""
    return Table(
        heads=(
            *("benchmark", "baseline µs", "candidate µs", "ratio"),
            *("interval", "CPU", "twin", "outcome"),
        ),
        rows=[
            (
                short_name(row.name) + (" (control)" if row.is_control else ""),
                f"{row.baseline_us:,.1f}",
                f"{row.candidate_us:,.1f}",
                f"{row.ratio:.3f}",
                interval(row),
                "-" if row.cpu_ratio is None else f"{row.cpu_ratio:.3f}",
                "-" if row.twin_ratio is None else f"{row.twin_ratio:.3f}",
                outcome(row, is_short=True),
            )
            for row in rows
        ],
        numeric=frozenset({1, 2, 3, 4, 5, 6}),
    )


def costs(
    rows: Sequence[BenchmarkComparison], bounds: Bounds, *, sentence: str
) -> Iterator[Section]:
    """What the clocks say: all intervals, then what they are made of."""
    if not rows:
        return
    drawn = forest(rows, bounds)
    yield Section(
        title="What it costs",
        sentence=sentence,
        drawings=[drawn] if drawn is not None else [],
        tables=[benchmark_table(rows)],
    )
    if epochs := list(by_epoch(rows, bounds)):
        mark = "Each mark is the median ratio of one pair of fresh processes on one CPU"
        told = f"{mark}; {bounds.words}." if bounds.words else f"{mark}."
        yield Section(title="Epoch by epoch", sentence=told, drawings=epochs)
    if rounds := list(every_round(rows)):
        told = "The share of rounds that took no longer; the slowest fortieth may lie beyond."
        yield Section(title="Every round", sentence=told, drawings=rounds)


def interval(row: BenchmarkComparison) -> str:
    """The bounds as text; a bound that the sample cannot give is a dash."""
    low = "-" if row.ratio_low is None else f"{row.ratio_low:.3f}"
    high = "-" if row.ratio_high is None else f"{row.ratio_high:.3f}"
    return f"{low} … {high}"


def behaviour_table(rows: Iterable[BehaviourChange]) -> Table:
    """One line a change: what it means for the verdict, and the change as a sentence."""
    return Table(
        heads=("behaviour", "what changed"),
        rows=[
            (
                Cell(
                    text=row.outcome.value,
                    tone=Tone.DOUBT if row.outcome is ChangeOutcome.CHANGED else Tone.PLAIN,
                ),
                row.sentence,
            )
            for row in rows
        ],
    )


def version_table(rows: Iterable[VersionChange]) -> Table:
    """What differs between the two environments, and whether it was asked for."""
    return Table(
        heads=("library", "baseline", "candidate", ""),
        rows=[
            (
                row.name,
                row.baseline or "absent",
                row.candidate or "absent",
                "asked" if row.was_asked else "came along",
            )
            for row in rows
        ],
        is_folded=True,
    )


def _ledger(lines: Sequence[AcceptedLine]) -> Iterator[Table]:
    if lines:
        yield Table(
            heads=("accepted", "state", "why", "until", "line"),
            rows=[
                (
                    f"{each.kind.value} {each.name}",
                    each.state.value,
                    each.reason,
                    each.expires,
                    each.place,
                )
                for each in lines
                if each.state is not AcceptedState.NOT_ASKED
            ],
            is_folded=True,
        )


def remarks(records: Iterable[AcceptedLine]) -> list[str]:
    """What whoever keeps the ledger should know: lines that expired or were not needed."""
    said = []
    for each in records:
        about = f"{each.place} ({each.kind.value} {each.name}, {each.package})"
        if each.state is AcceptedState.EXPIRED:
            said.append(
                f"{about} expired on {each.expires}: renew it with a reason, or take it out"
            )
        elif each.state is AcceptedState.UNUSED:
            said.append(f"{about} was not needed: narrow its versions, or take it out")
    return said


def outcome(row: BenchmarkComparison | LawComparison, *, is_short: bool = False) -> Cell:
    """What one row says, with its reason beside it; what the ledger accepts is no alarm."""
    if row.accepted is not None:
        return Cell(text=f"{row.outcome.value}, accepted", tone=Tone.DOUBT, told=row.accepted)
    reason = brief(row.reason or "")
    tone = Tone.BAD if row.outcome in ALARMS else Tone.PLAIN
    words = row.outcome.value if is_short or not reason else f"{row.outcome.value}: {reason}"
    return Cell(text=words, tone=tone, told=reason if is_short else "")


def _is_broken(row: LawComparison) -> bool:
    return bool(row.outcome is LawOutcome.NEW_FAILURE and row.failure and row.accepted is None)


def _law_case(row: LawComparison) -> Case:
    name, _, subject = row.law.partition(" [")
    told = {
        LawOutcome.NEW_FAILURE: CaseOutcome.FAILED,
        LawOutcome.UNKNOWN: CaseOutcome.ERROR,
        LawOutcome.FAILS_OTHERWISE: CaseOutcome.ERROR,
        LawOutcome.NOT_ASKED: CaseOutcome.SKIPPED,
    }.get(row.outcome, CaseOutcome.PASSED)
    return Case(
        group=f"laws.{subject.removesuffix(']') or 'machine'}",
        name=name,
        outcome=CaseOutcome.PASSED if row.accepted is not None else told,
        message=row.accepted or f"{row.outcome.value}: {brief(row.reason or row.sentence)}",
        text=row.failure or "",
    )


def _behaviour_case(row: BehaviourChange) -> Case:
    is_open = row.outcome is ChangeOutcome.CHANGED
    return Case(
        group="behaviour",
        name=row.name,
        outcome=CaseOutcome.ERROR if is_open else CaseOutcome.PASSED,
        message=row.sentence,
        text=row.accepted or row.reason or "",
    )


def benchmark_case(row: BenchmarkComparison, verdict: Verdict) -> Case:
    """A regression fails only where the whole verdict does: it may not be believed."""
    text = f"{row.ratio:.3f} times the baseline ({interval(row)}), {row.epoch_count} epochs"
    if row.accepted is not None or row.outcome not in ALARMS | DOUBTS:
        told = CaseOutcome.PASSED
    elif row.outcome is BenchmarkOutcome.REGRESSED and verdict is Verdict.FAIL:
        told = CaseOutcome.FAILED
    else:
        told = CaseOutcome.ERROR
    return Case(
        group="benchmarks",
        name=short_name(row.name),
        outcome=told,
        message="; ".join(filter(None, (row.outcome.value, row.accepted or row.reason))),
        text=text,
    )
