"""The tables of docs/mutants.md, written by the command whose figures they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from properties.mutants import bars
from properties.mutants.discovery import BASELINES, LAWS, found_count, median_s
from properties.mutants.tables import seconds
from properties.session import ROOT
from reports.schema import DiscoveryRecord, LawVerdict, MutantRecord

PAGE = ROOT / "docs" / "mutants.md"
SECTIONS = ("kills", "discovery")


class PageError(Exception):
    """The page lacks a place to write to."""


def write(
    mutants: Sequence[MutantRecord],
    discoveries: Sequence[DiscoveryRecord],
    where: str,
    path: Path = PAGE,
) -> None:
    """Replace the sections that this run has figures for. ``where`` says what it ran on."""
    text = path.read_text("utf-8")
    new: dict[str, list[str]] = {}
    if mutants:
        new["kills"] = [where, "", *_kills(mutants)]
    if discoveries:
        new["discovery"] = [where, "", *_discoveries(discoveries)]
    path.write_text(replaced(text, new), "utf-8")


def replaced(text: str, new: Mapping[str, Sequence[str]]) -> str:
    """Return ``text`` with sections replaced; raises ``PageError`` for one that is not there."""
    for name, lines in new.items():
        head, begins, rest = text.partition(_begin(name))
        _, ends, tail = rest.partition(_end(name))
        if not begins or not ends:
            raise PageError(f"docs/mutants.md has no section between {_begin(name)} and its end")
        text = "\n".join([f"{head}{begins}", *lines, f"{ends}{tail}"])
    return text


def section(text: str, name: str) -> str:
    """Return what stands in a section."""
    return text.partition(_begin(name))[2].partition(_end(name))[0]


def _begin(name: str) -> str:
    return f"<!-- begin: {name} -->"


def _end(name: str) -> str:
    return f"<!-- end: {name} -->"


def _kills(mutants: Sequence[MutantRecord]) -> list[str]:
    lines: list[str] = []
    for family in dict.fromkeys(each.family for each in bars.bugs(mutants)):
        lines += [
            f"### {family}",
            "",
            "| mutant | what is wrong | least that shows it | killed first by | s | lines |",
            "|---|---|---|---|---|---|",
        ]
        for each in bars.bugs(mutants):
            if each.family == family:
                killer = each.killed_by or "**survives**"
                cpu = "" if each.cpu_s is None else f"{each.cpu_s:.2f}"
                cells = (f"`{each.name}`", each.sentence, each.shows, killer, cpu, each.line_count)
                lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
        lines.append("")
    correct = [each for each in mutants if not each.laws]
    if correct:
        lines += ["### Correct, though they do not look so", ""]
        lines += ["| change | what it does | why no law may fail | laws that hold |"]
        lines += ["|---|---|---|---|"]
        for each in correct:
            held = sum(verdict is LawVerdict.PASS for verdict in each.verdicts.values())
            alarms = bars.false_alarms(each)
            told = f"**false alarm**: {', '.join(alarms)}" if alarms else f"{held}"
            row = (f"`{each.name}`", each.sentence, each.shows, told)
            lines.append(f"| {' | '.join(_cell(cell) for cell in row)} |")
        lines.append("")
    counts = bars.first_kills(mutants)
    lines += ["### First kills by law", "", "| law | mutants | share |", "|---|---|---|"]
    lines += [f"| {law} | {n} | {n / counts.total():.0%} |" for law, n in counts.most_common()]
    return lines


def _discoveries(records: Sequence[DiscoveryRecord]) -> list[str]:
    by = {(each.name, each.instrument): each for each in records}
    lines = [
        "| mutant | laws: found | median s | gather: found | machine: found |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(each.name for each in records):
        mine = by[name, LAWS]
        others = [by.get((name, other)) for other in BASELINES]
        cells = (
            f"`{name}`",
            _found(mine),
            seconds(median_s(mine.cpu_s), mine.cap_s),
            *("" if other is None else _found(other) for other in others),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _found(record: DiscoveryRecord) -> str:
    return f"{found_count(record)} of {len(record.cpu_s)}"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
