"""What the laws said, as a verdict, as lines for a reader, and as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from properties.known import KnownDefect
from properties.law import NOT_OFFERED, OFFER_BREAK
from reports.schema import LawRecord, LawVerdict, Verdict


def verdict_on(
    laws: list[LawRecord],
    trouble: str | None,
    defects: dict[str, KnownDefect],
    chosen: Iterable[str] = (),
    gone: Collection[str] = (),
) -> Verdict:
    """Return the session's verdict; ``trouble`` is what kept the laws from being asked.

    A law that was chosen and not asked is unknown: it may have dropped out by a slip of its name.
    One that its subject does not offer to be asked is named, and is no doubt, unless none is left.
    ``gone`` are pinned laws that were not asked: a failure. The ledger covers failures alone.
    """
    if trouble is not None or not laws:
        return Verdict.INVALID
    verdicts = {
        law.verdict
        for law in laws
        if (law.verdict is not LawVerdict.FAIL or law.law not in defects)
        and not is_not_offered(law)
    }
    if LawVerdict.FAIL in verdicts or gone:
        return Verdict.FAIL
    dropped = set(chosen) - {law.law for law in laws}
    open_verdicts = {LawVerdict.UNKNOWN, LawVerdict.NOT_ASKED} & verdicts
    is_silent = all(law.verdict is LawVerdict.NOT_ASKED for law in laws)
    return Verdict.UNKNOWN if open_verdicts or dropped or is_silent else Verdict.PASS


def is_not_offered(law: LawRecord) -> bool:
    """Whether a law was not asked because its subject says that it lacks what the law is about."""
    return law.verdict is LawVerdict.NOT_ASKED and f" {NOT_OFFERED} " in (law.reason or "")


NAMED_AT_MOST = 3
_WORST_FIRST = (LawVerdict.FAIL, LawVerdict.UNKNOWN, LawVerdict.NOT_ASKED, LawVerdict.PASS)


def print_laws(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> None:
    """Print law by law what held, the worst verdict of its subjects first.

    What a subject does not offer to be asked comes last, a line for each thing that it lacks.
    """
    for name in dict.fromkeys(law.law for law in laws):
        asked = [law for law in laws if law.law == name and not is_not_offered(law)]
        if not asked:
            continue
        verdicts = {law.verdict for law in asked}
        worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
        word = "known" if worst is LawVerdict.FAIL and name in defects else worst.value
        print(f"  {word:<9} {asked[0].sentence}")
        where = ", ".join(law.subject for law in asked if law.verdict is worst)
        print(f"            {name} [{where}]: {_effort(asked)}")
        for law in asked:
            if law.verdict is LawVerdict.PASS and law.reason is None:
                continue
            for text in (law.reason, law.failure):
                if text is not None:
                    lines = f"[{law.subject}] {text}".splitlines()
                    print("\n".join(f"      {line}" for line in lines))
    lacking: dict[str, list[str]] = {}
    for law in filter(is_not_offered, laws):
        subject, _, offers = (law.reason or "").partition(f" {NOT_OFFERED} ")
        for offer in offers.split(OFFER_BREAK):
            lacking.setdefault(f"{subject} {NOT_OFFERED} {offer}", []).append(law.law)
    for reason, names in lacking.items():
        print(f"  not asked {reason}: {', '.join(names)}")


def _effort(asked: list[LawRecord]) -> str:
    counts = (
        (sum(law.examples for law in asked), "examples"),
        (sum(law.schedules for law in asked), "schedules"),
    )
    told = [f"{count:,} {what}" for count, what in counts if count]
    return ", ".join([*told, f"{sum(law.elapsed_ms for law in asked) / 1000:.1f} s"])


def _few(names: set[str]) -> str:
    return f": {', '.join(sorted(names))}" if len(names) <= NAMED_AT_MOST else ""


def summary_of(
    laws: list[LawRecord],
    defects: dict[str, KnownDefect],
    tally: Counter[str],
    seed: int,
    chosen: Iterable[str] = (),
    gone: Collection[str] = (),
) -> str:
    """Return the figures of the last line."""
    names = {law.law for law in laws} | set(chosen)
    asked = {law.law for law in laws if law.verdict is not LawVerdict.NOT_ASKED}
    failed = {law.law for law in laws if law.verdict is LawVerdict.FAIL}
    unknown = {law.law for law in laws if law.verdict is LawVerdict.UNKNOWN} - failed
    silent = names - asked | {law.law for law in laws if law.verdict is LawVerdict.NOT_ASKED}
    held = names - failed - unknown - silent
    told = [f"{len(held)} of {len(names)} laws hold"]
    told += [f"{len(failed - set(defects))} fail"] if failed - set(defects) else []
    told += [f"{len(unknown)} unknown"] if unknown else []
    told += [f"{len(silent)} not asked{_few(silent)}"] if silent else []
    told += [f"{len(gone)} pinned and not asked"] if gone else []
    known = failed & set(defects)
    told += [f"{len(known)} broken as known{_few(known)}"] if known else []
    return (
        f"{', '.join(told)}; {tally['examples']} examples, {tally['attempts']} attempts, "
        f"seed {seed}"
    )
