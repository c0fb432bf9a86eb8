"""What the laws found of bugs that were put in on purpose: who kills what, and what shows it."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from reports.documents.model import (
    Case,
    CaseOutcome,
    Cell,
    Document,
    Group,
    Passage,
    Row,
    Section,
    Table,
    Tone,
)
from reports.documents.surroundings import figures, ran_on
from reports.schema import DiscoveryRecord, LawVerdict, MutantRecord, MutantsRecord

LEGEND = (
    "x: the law fails, and so finds the bug; filled: it was the first to; ·: it holds; ?: nobody "
    "knows; empty: it was not asked."
)
UNTIL_THE_FIRST = " Each mutant was asked until the first law failed, and then those that it names."
CORRECT = "correct, though they do not look so"

_SIGNS = {
    LawVerdict.FAIL: ("x", "fails"),
    LawVerdict.PASS: ("·", "holds"),
    LawVerdict.UNKNOWN: ("?", "is unknown"),
    LawVerdict.NOT_ASKED: ("", "was not asked"),
}
_TONES = {LawVerdict.FAIL: Tone.BAD, LawVerdict.UNKNOWN: Tone.DOUBT}


def mutants(record: MutantsRecord) -> Document:
    """Survivors and false alarms first, then the kill matrix and each counterexample."""
    amiss = [(each, why) for each in record.mutants if (why := _amiss(each))]
    sections = [
        Section(
            title="What went wrong",
            tables=[
                Table(
                    heads=("mutant", "family", "what is wrong", "what was done to it"),
                    rows=[
                        (each.name, each.family, Cell(text=why, tone=Tone.BAD), each.sentence)
                        for each, why in amiss
                    ],
                )
            ]
            if amiss
            else [],
        ),
        Section(title="By family", tables=[_families(record)]),
        Section(
            title="Who kills what",
            sentence=LEGEND + ("" if record.is_matrix else UNTIL_THE_FIRST),
            tables=[_matrix(record)],
            is_folded=True,
        ),
        Section(
            title="How often, how soon",
            tables=[_times(record.discoveries)] if record.discoveries else [],
            is_folded=True,
        ),
        Section(
            title="Counterexamples",
            passages=[
                Passage(
                    title=f"{each.name}: {each.sentence}",
                    text=each.counterexample,
                    sentence=f"{each.realistic}. Least that shows it: {each.shows}.",
                )
                for each in record.mutants
                if each.counterexample
            ],
            is_folded=True,
        ),
        Section(title="Figures", tables=[figures(record.figures)], is_folded=True),
        Section(title="What it ran on", tables=[ran_on(record.environment)], is_folded=True),
    ]
    return Document(
        name=record.name,
        title="What the laws find of seeded bugs",
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=[each for each in sections if each.tables or each.passages],
        cases=[*map(_case, record.mutants)],
    )


def _amiss(mutant: MutantRecord) -> str:
    """Why a mutant speaks against the laws; nothing where it does not."""
    broken = [law for law, verdict in mutant.verdicts.items() if verdict is LawVerdict.FAIL]
    if mutant.laws:
        if mutant.killed_by is None:
            return f"nothing is known: {mutant.reason}" if mutant.reason else "it survives"
        return ""
    if broken:
        return f"a false alarm of {', '.join(broken)}"
    if LawVerdict.UNKNOWN in mutant.verdicts.values() or mutant.reason:
        return f"nothing is known: {mutant.reason or 'a law is unknown'}"
    return ""


def _case(mutant: MutantRecord) -> Case:
    why = _amiss(mutant)
    outcome = CaseOutcome.FAILED if why else CaseOutcome.PASSED
    return Case(
        group=f"mutants.{mutant.family}",
        name=mutant.name,
        outcome=CaseOutcome.ERROR if why.startswith("nothing is known") else outcome,
        message=why or _found(mutant),
        text=mutant.counterexample or mutant.sentence,
        elapsed_s=mutant.elapsed_s or 0.0,
    )


def _families(record: MutantsRecord) -> Table:
    return Table(
        heads=("family", "mutants", "killed", "median CPU s", "longest counterexample"),
        rows=[
            (
                family,
                str(len(rows)),
                str(sum(each.killed_by is not None for each in rows)),
                f"{median(each.cpu_s for each in rows if each.cpu_s is not None):.2f}"
                if any(each.cpu_s is not None for each in rows)
                else "-",
                f"{max(each.line_count for each in rows)} lines",
            )
            for family, rows in _by_family(record)
        ],
        numeric=frozenset({1, 2, 3, 4}),
    )


def _by_family(record: MutantsRecord) -> Iterator[tuple[str, list[MutantRecord]]]:
    """Each family with its mutants; what is correct comes last."""
    bugs = [each for each in record.mutants if each.laws]
    for family in dict.fromkeys(each.family for each in bugs):
        yield family, [each for each in bugs if each.family == family]
    correct = [each for each in record.mutants if not each.laws]
    if correct:
        yield CORRECT, correct


def _matrix(record: MutantsRecord) -> Table:
    laws = _laws_of(record)
    rows: list[Row | Group] = []
    for family, found in _by_family(record):
        rows.append(Group(title=family))
        rows += [
            (
                Cell(text=each.name, told=each.sentence),
                _found(each),
                *(_sign(each, law) for law in laws),
            )
            for each in found
        ]
    return Table(heads=("mutant", "first killed by", *laws), rows=rows, matrix_from=2)


def _laws_of(record: MutantsRecord) -> list[str]:
    """The laws that somebody was asked, the best killer first."""
    asked = sorted({law for each in record.mutants for law in each.verdicts})
    kills = {
        law: sum(each.verdicts.get(law) is LawVerdict.FAIL for each in record.mutants)
        for law in asked
    }
    return sorted(asked, key=lambda law: -kills[law])


def _found(mutant: MutantRecord) -> str:
    """Who killed it first, when, and in how many lines it is shown."""
    if not mutant.laws:
        return "correct: every law must hold"
    if mutant.killed_by is None:
        return "survives"
    lines = f", {mutant.line_count} lines" if mutant.line_count else ""
    return f"{mutant.killed_by}, {mutant.cpu_s or 0:.2f} s{lines}"


def _sign(mutant: MutantRecord, law: str) -> str | Cell:
    verdict = mutant.verdicts.get(law, LawVerdict.NOT_ASKED)
    sign, does = _SIGNS[verdict]
    if verdict not in _TONES:
        return sign
    tone = Tone.FIRST if law == mutant.killed_by else _TONES[verdict]
    return Cell(text=sign, tone=tone, told=f"{law} {does}: {mutant.name}")


def _times(discoveries: Sequence[DiscoveryRecord]) -> Table:
    return Table(
        heads=("mutant", "instrument", "found", "median"),
        rows=[
            (each.name, each.instrument, f"{_count(each.cpu_s)} of {len(each.cpu_s)}", _late(each))
            for each in discoveries
        ],
        numeric=frozenset({2, 3}),
    )


def _count(found: Iterable[float | None]) -> int:
    return sum(each is not None for each in found)


def _late(record: DiscoveryRecord) -> str:
    """The median; trials that were cut at the cap are later than all others."""
    known = sorted(each for each in record.cpu_s if each is not None)
    middle = (len(record.cpu_s) - 1) // 2
    return f"{known[middle]:.2f} s" if middle < len(known) else f"> {record.cap_s:g} s"
