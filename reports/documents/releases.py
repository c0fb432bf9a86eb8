"""What was found along a line of releases, and of releases that are known to be broken."""

from reports.documents.model import Case, CaseOutcome, Cell, Document, Passage, Section, Table, Tone
from reports.documents.words import brief
from reports.schema import BisectRecord, PairComparison, PairOutcome, Turned, UpstreamRecord


def bisection(record: BisectRecord) -> Document:
    """What turned at which release, the oldest first."""
    return Document(
        name=record.name,
        title=f"Which release of {record.package} changed it?",
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=[
            Section(
                title="What turned",
                sentence=f"Releases asked about: {', '.join(record.releases)}.",
                tables=[_turned(record)],
            )
        ],
        cases=[_turned_case(each) for each in record.turned],
    )


def _turned(record: BisectRecord) -> Table:
    return Table(
        heads=("first changed", "kind", "what", "asked"),
        rows=[
            (each.first_changed, each.kind.value, _words(each), str(each.asked_count))
            for each in record.turned
        ],
    )


def _words(row: Turned) -> str:
    told = [f"{row.what} [{row.name}]", row.confirmation or ""]
    told += [f"not known: {', '.join(row.unknown)}"] if row.unknown else []
    told += [] if row.is_confirmed else ["not confirmed by its neighbours"]
    return "; ".join(filter(None, told))


def _turned_case(row: Turned) -> Case:
    is_open = bool(row.unknown) or not row.is_confirmed
    return Case(
        group=f"bisect.{row.kind.value}",
        name=row.name,
        outcome=CaseOutcome.ERROR if is_open else CaseOutcome.PASSED,
        message=f"{row.first_changed}: {_words(row)}",
    )


def upstream(record: UpstreamRecord) -> Document:
    """Pairs of releases under the law that must tell them apart; what was not told says why."""
    also = [row for row in record.pairs if row.also is not None]
    return Document(
        name=record.name,
        title="Do the laws tell real regressions apart?",
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=[
            Section(
                title="Pairs of releases",
                tables=[_pairs(record)],
                passages=[
                    Passage(
                        title=f"{row.name}: {row.outcome.value}: {row.reason}",
                        text=row.failure or "",
                    )
                    for row in record.pairs
                    if row.outcome is not PairOutcome.TOLD_APART
                ],
            )
        ],
        notes=[
            f"{row.name}: beside {row.law} differ: {', '.join(row.also or ()) or 'nothing'}"
            for row in also
        ],
        cases=[_pair_case(row) for row in record.pairs],
    )


def _pairs(record: UpstreamRecord) -> Table:
    return Table(
        heads=("pair", "bad", "good", "law", "seconds", "outcome"),
        rows=[
            (
                f"{row.package}: {row.name}",
                row.bad,
                row.good,
                row.law,
                f"{row.elapsed_ms / 1000:.1f}",
                Cell(
                    text=row.outcome.value,
                    tone=Tone.BAD if row.outcome is PairOutcome.MISSED else Tone.PLAIN,
                ),
            )
            for row in record.pairs
        ],
        numeric=frozenset({4}),
    )


def _pair_case(row: PairComparison) -> Case:
    return Case(
        group=f"upstream.{row.package}",
        name=row.name,
        outcome={
            PairOutcome.TOLD_APART: CaseOutcome.PASSED,
            PairOutcome.MISSED: CaseOutcome.FAILED,
            PairOutcome.UNKNOWN: CaseOutcome.ERROR,
        }[row.outcome],
        message=brief(row.reason or row.what),
        text=row.failure or "",
        elapsed_s=row.elapsed_ms / 1000,
    )
