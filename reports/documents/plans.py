"""The cells of a plan, and their answers joined."""

from reports.documents.model import Case, CaseOutcome, Cell, Document, Section, Table, Tone
from reports.documents.words import brief
from reports.schema import Answer, MergeRecord, PlanRecord, Verdict

_TONES = {Verdict.PASS: Tone.GOOD, Verdict.FAIL: Tone.BAD}
_CASES = {Verdict.PASS: CaseOutcome.PASSED, Verdict.FAIL: CaseOutcome.FAILED}


def merged(record: MergeRecord) -> Document:
    """What each cell said; what is missing is unknown."""
    return Document(
        name=record.name,
        title="The answers to a plan",
        verdict=record.verdict,
        summary=record.summary,
        answer=brief(record.reasons[0].text),
        sections=[Section(title="Cells", tables=[_table(record)])] if record.answers else [],
        reasons=record.reasons,
        notes=[f"{len(record.strangers)} files answer no cell of this plan; the record names them"]
        if record.strangers
        else [],
        cases=[_case(each) for each in record.answers],
    )


def _table(record: MergeRecord) -> Table:
    return Table(
        heads=("cell", "asked", "verdict", "seconds", "what"),
        rows=[
            (
                each.digest,
                each.words,
                Cell(text=each.verdict.value, tone=_TONES.get(each.verdict, Tone.DOUBT)),
                "-" if each.elapsed_s is None else f"{each.elapsed_s:.1f}",
                brief(each.problem or ", ".join(each.broken)),
            )
            for each in record.answers
        ],
        numeric=frozenset({3}),
    )


def _case(answer: Answer) -> Case:
    told = "\n".join(f"{name}: {why}" for name, why in answer.broken.items())
    return Case(
        group=f"cells.{answer.asked.value}",
        name=f"{answer.words} ({answer.digest})",
        outcome=_CASES.get(answer.verdict, CaseOutcome.ERROR),
        message=brief(answer.problem or answer.summary),
        text=told or answer.problem or answer.summary,
        elapsed_s=answer.elapsed_s or 0.0,
    )


def planned(record: PlanRecord) -> Document:
    """Which cells there are."""
    return Document(
        name=record.name,
        title="A plan",
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=[
            Section(
                title="Cells",
                tables=[
                    Table(
                        heads=("cell", "asks for", "of", "names", "seed"),
                        rows=[
                            (
                                each.digest,
                                each.asked.value,
                                each.place.words,
                                ", ".join(each.names) or "all",
                                str(each.seed),
                            )
                            for each in record.cells
                        ],
                    )
                ],
            )
        ],
    )
