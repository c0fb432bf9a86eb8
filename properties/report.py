"""What the laws said, as a verdict, as lines for a reader, and as a sentence."""

from __future__ import annotations

from collections import Counter

from properties.known import KnownDefect
from reports.schema import LawRecord, LawVerdict, Verdict


def verdict_on(
    laws: list[LawRecord], trouble: str | None, defects: dict[str, KnownDefect]
) -> Verdict:
    """Return the session's verdict; ``trouble`` is what kept the laws from being asked."""
    if trouble is not None or not laws:
        return Verdict.INVALID
    verdicts = {law.verdict for law in laws if law.law not in defects}
    if LawVerdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.UNKNOWN if LawVerdict.UNKNOWN in verdicts else Verdict.PASS


_WORST_FIRST = (LawVerdict.FAIL, LawVerdict.UNKNOWN, LawVerdict.PASS, LawVerdict.NOT_ASKED)


def print_laws(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> None:
    """Print law by law what held, the worst verdict of its subjects first."""
    for name in dict.fromkeys(law.law for law in laws):
        asked = [law for law in laws if law.law == name]
        verdicts = {law.verdict for law in asked}
        worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
        word = "known" if worst is LawVerdict.FAIL and name in defects else worst.value
        print(f"  {word:<9} {asked[0].sentence}")
        where = ", ".join(law.subject for law in asked if law.verdict is worst)
        drawn = sum(law.examples for law in asked)
        print(f"            {where}{f': {drawn} examples' if drawn else ''}")
        for law in asked:
            if law.verdict is LawVerdict.PASS:
                continue
            for text in (law.reason, law.failure):
                if text is not None:
                    lines = f"[{law.subject}] {text}".splitlines()
                    print("\n".join(f"      {line}" for line in lines))


def summary_of(
    laws: list[LawRecord], defects: dict[str, KnownDefect], tally: Counter[str], seed: int
) -> str:
    """Return the figures of the last line."""
    names = {law.law for law in laws}
    failed = {law.law for law in laws if law.verdict is LawVerdict.FAIL}
    unknown = {law.law for law in laws if law.verdict is LawVerdict.UNKNOWN} - failed
    told = [f"{len(names - failed - unknown)} of {len(names)} laws hold"]
    told += [f"{len(failed - set(defects))} fail"] if failed - set(defects) else []
    told += [f"{len(unknown)} unknown"] if unknown else []
    told += [f"known: {len(failed & set(defects))}"] if failed & set(defects) else []
    return (
        f"{', '.join(told)}; {tally['examples']} examples, {tally['attempts']} attempts, "
        f"seed {seed}"
    )
