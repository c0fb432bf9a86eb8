"""Documents for people at a terminal. Plain text where there is none, no colour with NO_COLOR."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports import session
from reports.documents.model import Cell, Document, Group, Tone
from reports.documents.model import Table as Content
from reports.documents.words import excerpt, printable
from reports.schema import Reason, Verdict

PLAIN_WIDTH = 110
PASSAGES_SHOWN = 5
"""Passages printed, in short; the record holds all of them."""

_VERDICT_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.INVALID: "magenta",
    Verdict.USAGE: "magenta",
}
_STYLES = {Tone.BAD: "bold red", Tone.FIRST: "bold red", Tone.DOUBT: "yellow", Tone.GOOD: "green"}


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


def show(document: Document) -> None:
    """Print what a document answers: its open tables, its first passages, then the reasons."""
    target = console()
    target.print()
    for section in document.sections:
        for each in section.tables:
            if not each.is_folded:
                target.print(table(each))
                target.print()
        for passage in section.passages[:PASSAGES_SHOWN]:
            target.print(f"{passage.title}:", markup=False, style="bold")
            target.print(excerpt(passage.text), markup=False, soft_wrap=True)
            target.print()
    print_reasons(target, document.reasons, document.notes)


def table(content: Content) -> Table:
    """One line a row; columns that are a matrix have no room here."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(content.heads[: content.matrix_from]):
        is_number = index in content.numeric
        made.add_column(head, overflow="fold", justify="right" if is_number else "left")
    for row in content.rows:
        if isinstance(row, Group):
            made.add_row(Text(printable(row.title), style="bold"))
        else:
            made.add_row(*map(_text, row[: content.matrix_from]))
    return made


def _text(cell: str | Cell) -> Text:
    if isinstance(cell, str):
        return Text(printable(cell))
    return Text(printable(cell.text), style=_STYLES.get(cell.tone, "default"))


def print_reasons(target: Console, reasons: Iterable[Reason], notes: Iterable[str] = ()) -> None:
    """The reasons in their order of weight, each under its verdict; notes weigh nothing."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for reason in reasons:
        style = _VERDICT_STYLES[reason.verdict]
        label = "accepted" if reason.is_accepted else reason.verdict.value
        grid.add_row(Text(label, style=style), Text(printable(reason.text)))
    for note in notes:
        grid.add_row(Text("note", style="dim"), Text(printable(note)))
    if grid.row_count:
        target.print(grid)
