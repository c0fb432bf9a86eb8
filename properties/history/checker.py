"""Judge a history: key by key, three verdicts, and no pass by accident."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from properties.history.intervals import EVERY_RULE, Rule, contradictions
from properties.history.records import History, Initial, Record
from properties.history.search import STEP_LIMIT, search
from properties.history.verdicts import Contradiction, Finding, Judgement, picture
from properties.history.writers import readings

EVERY_OTHER_READING = "every other reading of who wrote what fails too"


def check(
    history: History,
    *,
    rules: frozenset[Rule] = EVERY_RULE,
    step_limit: int = STEP_LIMIT,
) -> Judgement:
    """Return ok, illegal with the first contradiction, or unknown with the reason.

    ``rules`` are left out by tests only, to see what each is for. A checker that fails has judged
    nothing, so any error of its own is unknown.
    """
    try:
        history.checked()
        found = [
            _of_key(key, records, history.initial[key], rules, step_limit)
            for key, records in history.by_key().items()
        ]
    except Exception as error:  # noqa: BLE001 - whoever cannot judge says so; it is never a pass
        reason = f"the checker itself failed ({type(error).__name__}: {error})"
        return Judgement(finding=Finding.UNKNOWN, reason=reason)
    for finding in (Finding.ILLEGAL, Finding.UNKNOWN):
        for judgement in found:
            if judgement.finding is finding:
                return judgement
    return Judgement(finding=Finding.OK)


def _of_key(
    key: str,
    records: Sequence[Record],
    initial: Initial,
    rules: frozenset[Rule],
    step_limit: int,
) -> Judgement:
    ok = Judgement(finding=Finding.OK, key=key)
    known, are_all = readings(records, initial)
    first: Contradiction | None = None
    for reading in known:
        broken = next(contradictions(records, initial, reading, rules), None)
        if broken is None:
            return ok
        first = first or broken
    if first is None:
        raise AssertionError(f"{key}: no reading of the history was judged")
    # An unknown that expected no version fits any gap, and beyond the limit there are readings
    # that nobody looked at: then intervals find, but cannot exclude.
    wild = [each.name for each in records if each.may_have_written and each.expected is None]
    if wild or not are_all:
        is_legal = search(records, initial, step_limit)
        if is_legal:
            return ok
        if is_legal is None:
            why = f"{', '.join(wild)} may have written any version" if wild else "too many readings"
            reason = f"{why}, and {step_limit} steps did not tell whether that explains it"
            return Judgement(finding=Finding.UNKNOWN, key=key, reason=reason)
    but = [
        EVERY_OTHER_READING * (len(known) > 1),
        f"no version that {', '.join(wild)} may have written helps" * bool(wild),
    ]
    sentence = "; ".join([first.sentence, *filter(None, but)])
    first = dataclasses.replace(first, sentence=sentence)
    concerned = [each for each in (first.first, first.second) if each is not None]
    return Judgement(
        finding=Finding.ILLEGAL,
        key=key,
        contradiction=first,
        picture=picture(records, concerned),
    )
