"""A document as GitHub-flavoured Markdown: the answer first, evidence folded under it.

Names and reasons come from other people's processes. In a line of text every character that could
be markup is escaped, and what is shown as it is stands in a fence that is longer than any inside.
"""

import html
import re
from collections.abc import Iterator

from reports.documents.model import Cell, Document, Group, Passage, Section, Table
from reports.documents.words import printable
from reports.schema import Reason, Verdict

MOST_BYTES = 900_000
"""A job summary of GitHub holds 1 MiB for each step, and a longer one is dropped whole."""
REASONS_SHOWN = 12
MARKUP = re.compile(r"[\\`*{}\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=\bwww)\.")
"""What could begin markup inside of a line; an underscore between letters cannot."""
SIGNS = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.UNKNOWN: "❔",
    Verdict.INVALID: "⚠️",
    Verdict.USAGE: "⚠️",
}


def markdown(document: Document, *, most_bytes: int = MOST_BYTES) -> str:
    """The whole document; where it grows beyond ``most_bytes``, what is folded goes, and is named.

    The answer and its reasons always stay.
    """
    verdict = document.verdict
    parts = [
        f"## {line(document.title)}\n\n",
        f"{SIGNS[verdict]} **{line(document.name)}: {verdict.value}**: ",
        f"{line(document.summary)}\n\n",
    ]
    if document.answer != document.summary and not document.decisive:
        parts.append(f"> {line(document.answer)}\n\n")
    parts += _reasons(document)
    size, left_out = sum(len(each.encode()) for each in parts), []
    for section in document.sections:
        if not section.tables and not section.passages:
            continue  # drawings are for a page
        text = "".join(_section(section))
        if size + len(text.encode()) > most_bytes:
            left_out.append(section.title)
            continue
        size += len(text.encode())
        parts.append(text)
    if left_out:
        parts.append(f"Left out, as too long for here: {line(', '.join(left_out))}.\n\n")
    return "".join(parts)


def line(text: str) -> str:
    """Text on one line, in which nothing is markup: it looks as it was written."""
    return MARKUP.sub(lambda found: "\\" + found[0], _flat(text))


def _flat(text: str) -> str:
    return " ".join(printable(text).split())


def fenced(text: str) -> str:
    """Text as it is, in a fence that it cannot close."""
    clean = printable(text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{clean}\n{fence}\n"


def _reasons(document: Document) -> Iterator[str]:
    rows = [*map(_reason, document.decisive)]
    if rows:
        yield "".join(rows[:REASONS_SHOWN]) + "\n"
    rest = [*rows[REASONS_SHOWN:], *map(_reason, document.lighter)]
    rest += [f"- note: {line(each)}\n" for each in document.notes]
    if rest:
        yield _folded(f"{len(rest)} more reasons and notes", "".join(rest) + "\n")


def _reason(reason: Reason) -> str:
    label = "accepted" if reason.is_accepted else reason.verdict.value
    return f"- **{label}** {line(reason.text)}\n"


def _section(section: Section) -> Iterator[str]:
    inside = "".join(_content(section))
    if section.is_folded:
        yield _folded(section.title, inside)
    else:
        yield f"### {line(section.title)}\n\n{inside}"


def _content(section: Section) -> Iterator[str]:
    if section.sentence:
        yield f"{line(section.sentence)}\n\n"
    for each in section.tables:
        shown = "".join(_table(each))
        is_folded = each.is_folded and each.title
        yield _folded(each.title, shown) if is_folded else shown
    yield from map(_passage, section.passages)


def _table(table: Table) -> Iterator[str]:
    heads = table.heads[: table.matrix_from]
    yield f"| {' | '.join(map(line, heads))} |\n"
    rules = ["---:" if index in table.numeric else "---" for index in range(len(heads))]
    yield f"| {' | '.join(rules)} |\n"
    for row in table.rows:
        cells = [f"**{line(row.title)}**"] if isinstance(row, Group) else [*map(_cell, row)]
        yield f"| {' | '.join(cells[: len(heads)])} |\n"
    yield "\n"


def _cell(cell: str | Cell) -> str:
    return line(cell if isinstance(cell, str) else cell.text)


def _passage(passage: Passage) -> str:
    sentence = f"{line(passage.sentence)}\n\n" if passage.sentence else ""
    return _folded(passage.title, f"{sentence}{fenced(passage.text)}\n")


def _folded(title: str, inside: str) -> str:
    return f"<details>\n<summary>{html.escape(_flat(title))}</summary>\n\n{inside}</details>\n\n"
