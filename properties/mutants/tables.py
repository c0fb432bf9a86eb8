"""The kills, the matrix and the statistic as lines for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from properties.mutants import bars
from properties.mutants.discovery import BASELINES, LAWS, found_count, median_s
from reports.schema import DiscoveryRecord, LawVerdict, MutantRecord

_SIGNS = {
    LawVerdict.FAIL: "x",
    LawVerdict.PASS: ".",
    LawVerdict.UNKNOWN: "?",
    LawVerdict.NOT_ASKED: " ",
}


def kills(mutants: Sequence[MutantRecord]) -> list[str]:
    """Return a line a mutant."""
    head = f"{'mutant':<50} {'killed by':<50} {'named':<6} {'cpu s':>6} {'tried':>6} {'lines':>5}"
    lines = []
    for family in dict.fromkeys(each.family for each in bars.bugs(mutants)):
        lines += ["", family, head]
        for each in bars.bugs(mutants):
            if each.family == family:
                lines.append(_kill(each))
    correct = [each for each in mutants if not each.laws]
    if correct:
        lines += ["", "correct, though they do not look so"]
        lines += [f"{each.name:<50} {_correct(each)}" for each in correct]
    return lines


def _kill(each: MutantRecord) -> str:
    if each.killed_by is None:
        return f"{each.name:<50} SURVIVES {each.reason or _doubts(each)}".rstrip()
    named = "yes" if each.killed_by in each.laws else "other"
    tried = each.examples + each.schedules
    return (
        f"{each.name:<50} {each.killed_by:<50} {named:<6} {each.cpu_s or 0:>6.2f} {tried:>6} "
        f"{each.line_count:>5}"
    )


def _correct(each: MutantRecord) -> str:
    alarms = bars.false_alarms(each)
    if alarms:
        return f"FALSE ALARM: {', '.join(alarms)}"
    held = sum(verdict is LawVerdict.PASS for verdict in each.verdicts.values())
    return f"{held} laws hold {each.reason or _doubts(each)}".rstrip()


def _doubts(each: MutantRecord) -> str:
    unknown = [law for law, verdict in each.verdicts.items() if verdict is LawVerdict.UNKNOWN]
    return f"(unknown: {', '.join(unknown)})" if unknown else ""


def first_kills(mutants: Sequence[MutantRecord]) -> list[str]:
    """Return how many mutants each law is the first to kill, the most first."""
    counts = bars.first_kills(mutants)
    return ["", "first kills by law"] + [
        f"{count:>4}  {count / counts.total():>4.0%}  {law}" for law, count in counts.most_common()
    ]


def matrix(mutants: Sequence[MutantRecord]) -> list[str]:
    """Return the kill matrix, a column a law, and who is the only killer of what."""
    laws = sorted({law for each in mutants for law in each.verdicts})
    lines = ["", "x: fails, .: holds, ?: unknown", *_heads(laws)]
    for each in mutants:
        signs = " ".join(_SIGNS[each.verdicts.get(law, LawVerdict.NOT_ASKED)] for law in laws)
        lines.append(f"{each.name:<50} {signs}")
    lines += ["", "only killers"]
    for law, names in sorted(bars.only_killers(mutants).items()):
        lines.append(f"{law}: {', '.join(names)}")
    idle = [law for law in laws if not any(_fails(each, law) for each in mutants)]
    return [*lines, *([f"kill nothing: {', '.join(idle)}"] if idle else [])]


def _fails(mutant: MutantRecord, law: str) -> bool:
    return mutant.verdicts.get(law) is LawVerdict.FAIL


def _heads(laws: Sequence[str]) -> list[str]:
    width = len(laws)
    return [
        " " * 50
        + " "
        + " ".join(["|"] * place + ["+" + "-" * (2 * (width - place) - 1)])
        + f" {law}"
        for place, law in enumerate(laws)
    ]


def discoveries(records: Sequence[DiscoveryRecord]) -> list[str]:
    """Return a line a mutant: in how many trials each instrument found it, and how soon."""
    instruments = [each for each in (LAWS, *BASELINES) if _has(records, each)]
    by = {(each.name, each.instrument): each for each in records}
    head = f"{'mutant':<50}" + "".join(
        f"{name + ' found':>15} {'median':>7}" for name in instruments
    )
    lines = ["", f"found within {records[0].cap_s:g} s of the processor, median in s", head]
    for name in dict.fromkeys(each.name for each in records):
        cells = [_cell(by.get((name, instrument))) for instrument in instruments]
        lines.append(f"{name:<50}" + "".join(cells))
    return lines


def _has(records: Iterable[DiscoveryRecord], instrument: str) -> bool:
    return any(each.instrument == instrument for each in records)


def _cell(record: DiscoveryRecord | None) -> str:
    if record is None:
        return f"{'':>15} {'':>7}"
    found = f"{found_count(record)} of {len(record.cpu_s)}"
    return f"{found:>15} {seconds(median_s(record.cpu_s), record.cap_s):>7}"


def seconds(time_s: float | None, cap_s: float) -> str:
    """Return a time, or that it lies above the cap."""
    return f"> {cap_s:g}" if time_s is None else f"{time_s:.2f}"
