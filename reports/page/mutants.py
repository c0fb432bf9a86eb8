"""The kill matrix as content for its page: a row a mutant, a column a law."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reports.schema import DiscoveryRecord, LawVerdict, MutantRecord, MutantsRecord

TEMPLATE = "mutants.html.j2"
TITLE = "What the laws find of seeded bugs"

_SIGNS = {
    LawVerdict.FAIL: ("x", "fails"),
    LawVerdict.PASS: ("·", "holds"),
    LawVerdict.UNKNOWN: ("?", "is unknown"),
    LawVerdict.NOT_ASKED: ("", "was not asked"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one law says of one mutant. ``kind`` is a class of the page's style."""

    sign: str
    kind: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A mutant, its cells in the order of the laws, and what shows it."""

    mutant: MutantRecord
    cells: list[Cell]

    @property
    def found(self) -> str:
        """Say who killed it first, when and in how many lines it is shown."""
        if not self.mutant.laws:
            return "correct: every law must hold"
        if self.mutant.killed_by is None:
            return "survives"
        lines = f", {self.mutant.line_count} lines" if self.mutant.line_count else ""
        return f"{self.mutant.killed_by}, {self.mutant.cpu_s or 0:.2f} s{lines}"


def laws_of(record: MutantsRecord) -> list[str]:
    """Return the laws that somebody was asked, the best killer first."""
    asked = sorted({law for each in record.mutants for law in each.verdicts})
    kills = {law: sum(_fails(each, law) for each in record.mutants) for law in asked}
    return sorted(asked, key=lambda law: -kills[law])


def rows_of(record: MutantsRecord, laws: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
    """Yield each family with its rows; what is correct comes last."""
    bugs = [each for each in record.mutants if each.laws]
    for family in dict.fromkeys(each.family for each in bugs):
        yield family, [_row(each, laws) for each in bugs if each.family == family]
    correct = [_row(each, laws) for each in record.mutants if not each.laws]
    if correct:
        yield "correct, though they do not look so", correct


def _row(mutant: MutantRecord, laws: Iterable[str]) -> Row:
    return Row(mutant=mutant, cells=[_cell(mutant, law) for law in laws])


def _cell(mutant: MutantRecord, law: str) -> Cell:
    verdict = mutant.verdicts.get(law, LawVerdict.NOT_ASKED)
    sign, does = _SIGNS[verdict]
    kind = "first" if law == mutant.killed_by else verdict.value.replace(" ", "-")
    return Cell(sign=sign, kind=kind, told=f"{law} {does}: {mutant.name}")


def _fails(mutant: MutantRecord, law: str) -> bool:
    return mutant.verdicts.get(law) is LawVerdict.FAIL


def times_of(record: MutantsRecord) -> list[tuple[str, str, str, str]]:
    """Return mutant, instrument, in how many trials it was found, and the median of them."""
    return [
        (each.name, each.instrument, f"{_count(each)} of {len(each.cpu_s)}", _median(each))
        for each in record.discoveries
    ]


def _count(record: DiscoveryRecord) -> int:
    return sum(each is not None for each in record.cpu_s)


def _median(record: DiscoveryRecord) -> str:
    """Return the median; trials that were cut at the cap are later than all others."""
    known = sorted(each for each in record.cpu_s if each is not None)
    middle = (len(record.cpu_s) - 1) // 2
    return f"{known[middle]:.2f} s" if middle < len(known) else f"> {record.cap_s:g} s"
