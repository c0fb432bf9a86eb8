"""What the laws said of the core, or of anybody's subject."""

from collections.abc import Iterable, Sequence

from reports.documents.model import Case, CaseOutcome, Cell, Document, Passage, Section, Table, Tone
from reports.documents.surroundings import figures, ran_on
from reports.documents.words import brief
from reports.schema import LawRecord, LawsRecord, LawVerdict

TONES = {
    LawVerdict.PASS: Tone.GOOD,
    LawVerdict.FAIL: Tone.BAD,
    LawVerdict.UNKNOWN: Tone.DOUBT,
    LawVerdict.NOT_ASKED: Tone.PLAIN,
}


def laws(record: LawsRecord) -> Document:
    """The laws, the broken ones first, each with its counterexample."""
    open_laws = [each for each in record.laws if _is_open(each)]
    open_laws.sort(key=lambda each: each.verdict is not LawVerdict.FAIL)
    known = [each for each in record.laws if each.is_known]
    silent = [each for each in record.laws if each.verdict is LawVerdict.NOT_ASKED]
    sections = [
        Section(
            title="Broken or unknown",
            tables=[_table(open_laws)] if open_laws else [],
            passages=_passages(open_laws),
        ),
        Section(
            title="Broken as known",
            sentence="What a library is known to break, and the core works around.",
            tables=[_table(known)] if known else [],
            passages=_passages(known),
            is_folded=True,
        ),
        Section(
            title="Not asked",
            sentence="What a subject does not offer is not asked of it.",
            tables=[_table(silent)] if silent else [],
            is_folded=True,
        ),
        Section(
            title="Every law",
            tables=[_table(record.laws)],
            is_folded=True,
        ),
        Section(title="How far it reached", tables=[figures(record.figures)], is_folded=True),
        Section(title="What it ran on", tables=[ran_on(record.environment)], is_folded=True),
    ]
    return Document(
        name=record.name,
        title="Does the machine keep its promises?",
        verdict=record.verdict,
        summary=record.summary,
        answer=_answer(open_laws, record),
        sections=[each for each in sections if each.tables],
        notes=[
            *(f"{name} is pinned and was not asked" for name in record.dropped),
            *(["the run was ended before all laws were asked"] if record.is_partial else []),
        ],
        cases=[*map(_case, record.laws), *map(_missing, record.dropped)],
    )


def _answer(open_laws: Sequence[LawRecord], record: LawsRecord) -> str:
    if not open_laws:
        return record.summary
    first = open_laws[0]
    more = f", and {len(open_laws) - 1} more" if len(open_laws) > 1 else ""
    why = brief(first.failure or first.reason or first.sentence)
    return f"{first.law} [{first.subject}]{more}: {why}"


def _is_open(law: LawRecord) -> bool:
    return law.verdict is LawVerdict.UNKNOWN or (
        law.verdict is LawVerdict.FAIL and not law.is_known
    )


def _table(rows: Iterable[LawRecord]) -> Table:
    return Table(
        heads=("law", "subject", "verdict", "examples", "schedules", "seconds", "reason"),
        rows=[
            (
                Cell(text=each.law, told=each.sentence),
                each.subject,
                _verdict(each),
                f"{each.examples:,}",
                f"{each.schedules:,}",
                f"{each.elapsed_ms / 1000:.1f}",
                brief(each.reason or ""),
            )
            for each in rows
        ],
        numeric=frozenset({3, 4, 5}),
    )


def _verdict(law: LawRecord) -> Cell:
    if law.is_known:
        return Cell(text="known", tone=Tone.DOUBT)
    return Cell(text=law.verdict.value, tone=TONES[law.verdict])


def _passages(rows: Iterable[LawRecord]) -> list[Passage]:
    return [
        Passage(title=f"{each.law} [{each.subject}]", text=each.failure, sentence=each.sentence)
        for each in rows
        if each.failure
    ]


def _case(law: LawRecord) -> Case:
    outcome = {
        LawVerdict.PASS: CaseOutcome.PASSED,
        LawVerdict.FAIL: CaseOutcome.FAILED,
        LawVerdict.UNKNOWN: CaseOutcome.ERROR,
        LawVerdict.NOT_ASKED: CaseOutcome.SKIPPED,
    }[law.verdict]
    return Case(
        group=f"laws.{law.subject}",
        name=law.law,
        outcome=CaseOutcome.PASSED if law.is_known else outcome,
        message=law.reason or brief(law.failure or "") or law.sentence,
        text=law.failure or "",
        elapsed_s=law.elapsed_ms / 1000,
    )


def _missing(name: str) -> Case:
    return Case(
        group="laws.pinned",
        name=name,
        outcome=CaseOutcome.FAILED,
        message="pinned, and it was not asked",
    )
