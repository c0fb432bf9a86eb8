"""A part of a page that a command writes: what stands between its two marks, and nothing else."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from reports.session import UsageError

BEGIN = "<!-- begin: {mark} -->"
END = "<!-- end: {mark} -->"


def replaced(text: str, mark: str, lines: Iterable[str]) -> str:
    """Return a page's text with other lines between its marks. Raises ``UsageError``."""
    begin, end = BEGIN.format(mark=mark), END.format(mark=mark)
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise UsageError(f"the page has no place for a table: write {begin} and {end} into it.")
    return "".join((head, begin, "\n\n", "".join(f"{line}\n" for line in lines), "\n", end, tail))


def between(text: str, mark: str) -> list[str]:
    """Return the lines that stand there now. Raises ``UsageError``."""
    replaced(text, mark, ())
    inside = text.partition(BEGIN.format(mark=mark))[2].partition(END.format(mark=mark))[0]
    return [line for line in inside.splitlines() if line]


def rewrite(path: Path, mark: str, lines: Iterable[str]) -> None:
    """Write the lines into a page of the checkout. Raises ``UsageError``, changing nothing."""
    path.write_text(replaced(path.read_text("utf-8"), mark, lines), "utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown; a bar inside of a cell stays one."""
    lines = [head, ["---"] * len(head), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]
