"""Columns of plain text, and what several tables show alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.results import Result


def aligned(rows: Sequence[Sequence[str]], *, texts: int) -> Iterator[str]:
    """The first ``texts`` columns to the left, the others, numbers, to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def share(each: Result) -> str:
    """How fast it is beside the raw loop, in percent."""
    return _percent(each.percent_of_raw)


def share_by_cpu(each: Result) -> str:
    """The same by CPU time."""
    return _percent(each.percent_of_raw_by_cpu)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def speed(each: Result) -> tuple[str, str, str]:
    """The rate, the time of one, and the spread of the rounds."""
    return f"{each.per_s:,.0f}", f"{each.each_us:,.1f}", f"{each.spread_percent:.0f}"
