"""Which laws hold where: a table for each group of cells, and all that is broken in each."""

from collections.abc import Iterable, Sequence

from reports.documents.model import Case, CaseOutcome, Cell, Document, Section, Table, Tone
from reports.documents.words import brief
from reports.schema import CellOutcome, CellRow, MatrixRecord

NAMED_MOST = 3
"""Broken laws that a cell names; the table below its own names all."""
_TONES = {
    CellOutcome.HOLDS: Tone.GOOD,
    CellOutcome.BROKEN: Tone.BAD,
    CellOutcome.NOT_BUILT: Tone.DOUBT,
    CellOutcome.UNKNOWN: Tone.DOUBT,
}
_CASES = {
    CellOutcome.HOLDS: CaseOutcome.PASSED,
    CellOutcome.BROKEN: CaseOutcome.FAILED,
    CellOutcome.NOT_BUILT: CaseOutcome.ERROR,
    CellOutcome.UNKNOWN: CaseOutcome.ERROR,
}


def matrix(record: MatrixRecord) -> Document:
    """The table of each group, and below it each place with all that is broken there."""
    groups = {
        group: [row for row in record.rows if row.group == group]
        for group in dict.fromkeys(row.group for row in record.rows)
    }
    own = [row for row in record.rows if row.python and row.place.sqlite is None]
    linked = sorted({f"Python {row.python} with SQLite {row.sqlite}" for row in own})
    return Document(
        name=record.name,
        title="Which laws hold where?",
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=[Section(title=group, tables=_tables(rows)) for group, rows in groups.items()],
        notes=[f"linked to each other: {', '.join(linked)}"] if linked else [],
        cases=[_case(row) for row in record.rows],
    )


def words(row: CellRow) -> str:
    """One cell in a few words; never none."""
    known = f", {len(row.known)} known" if row.known else ""
    match row.outcome:
        case CellOutcome.HOLDS:
            return f"holds{known}"
        case CellOutcome.BROKEN:
            named = ", ".join(row.broken[:NAMED_MOST])
            more = len(row.broken) - NAMED_MOST
            return f"broken: {named}{f' and {more} more' if more > 0 else ''}{known}"
        case outcome:
            return f"{outcome.value}: {brief(row.reason or 'no reason was told')}"


def _tables(rows: Sequence[CellRow]) -> list[Table]:
    lines: dict[str, dict[str, CellRow]] = {}
    for row in rows:
        lines.setdefault(_line(row), {})[f"Python {row.place.python}"] = row
    columns = list(dict.fromkeys(column for line in lines.values() for column in line))
    shown = Table(
        heads=(rows[0].group, *columns),
        rows=[
            (name, *(_cell(line[each]) if each in line else "not asked" for each in columns))
            for name, line in lines.items()
        ],
    )
    broken = _broken(rows)
    return [shown, broken] if broken.rows else [shown]


def _line(row: CellRow) -> str:
    asked = ", ".join(row.place.requirements) or "the lock"
    return f"SQLite {row.place.sqlite}, {asked}" if row.place.sqlite is not None else asked


def _cell(row: CellRow) -> Cell:
    tone = _TONES[row.outcome] if row.is_promised else Tone.PLAIN
    return Cell(text=words(row), tone=tone, told=row.reason or ", ".join(row.broken))


def _broken(rows: Iterable[CellRow]) -> Table:
    return Table(
        heads=("where", "broken, and not known"),
        rows=[
            (
                row.place.words + ("" if row.is_promised else " (never promised)"),
                ", ".join(row.broken),
            )
            for row in rows
            if row.broken
        ],
    )


def _case(row: CellRow) -> Case:
    return Case(
        group=f"matrix.{row.group}",
        name=row.place.words,
        outcome=_CASES[row.outcome],
        message=words(row),
        text="\n".join(row.broken) or row.reason or "",
        elapsed_s=row.elapsed_s,
    )
