"""A rule that is left out of the checker is missed by the corpus and by the cross-check."""

import dataclasses

import pytest

from properties.history import checker, files, writers
from properties.history.__main__ import CORPUS
from properties.history.checker import check
from properties.history.generate import drawn
from properties.history.intervals import EVERY_RULE, Rule
from properties.history.records import History, Initial, Record
from properties.history.search import search
from properties.history.verdicts import Finding
from properties.history.writers import Reading

HISTORIES = 1500
ILLEGAL = {
    path.stem: files.read(path)[1]
    for path in sorted(CORPUS.glob("*.json"))
    if files.read(path)[0].expected == "illegal"
}


def _is_legal(history: History) -> bool:
    return all(
        bool(search(records, history.initial[key])) for key, records in history.by_key().items()
    )


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.value)
def test_the_corpus_misses_a_rule(rule: Rule) -> None:
    """Some illegal history passes without it."""
    rules = EVERY_RULE - {rule}
    found = {name: check(each, rules=rules).finding for name, each in ILLEGAL.items()}
    assert Finding.OK in found.values()


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.value)
def test_the_cross_check_misses_a_rule(rule: Rule) -> None:
    """Some drawn history passes without it, which the search calls illegal."""
    rules = EVERY_RULE - {rule}
    for index in range(HISTORIES):
        history = drawn(1, index)[1]
        if check(history, rules=rules).finding is Finding.OK and not _is_legal(history):
            return
    pytest.fail(f"{HISTORIES} histories do not need the rule {rule.value!r}")


def _disagrees() -> bool:
    for index in range(HISTORIES):
        history = drawn(1, index)[1]
        if (check(history).finding is Finding.OK) != _is_legal(history):
            return True
    return False


def test_unknowns_that_never_happened_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fills no gap calls legal histories illegal."""
    whole = writers.readings

    def without_unknowns(records: list[Record], initial: Initial) -> tuple[list[Reading], bool]:
        return whole([each for each in records if not each.may_have_written], initial)

    monkeypatch.setattr(checker, "readings", without_unknowns)
    assert _disagrees()


def test_the_unknown_called_last_is_the_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two unknowns that fit a gap the first called must be taken."""
    whole = writers._writers

    def last(version: int, before: str, said: writers.Claims) -> tuple[Record, ...]:
        turned = {
            each: [dataclasses.replace(record, call=-record.call) for record in records]
            for each, records in said.may_have.items()
        }
        found = whole(version, before, dataclasses.replace(said, may_have=turned))
        return tuple(
            each if each.is_write else dataclasses.replace(each, call=-each.call) for each in found
        )

    monkeypatch.setattr(writers, "_writers", last)
    assert _disagrees()


def test_a_refusal_takes_the_least_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes the highest that fits calls legal histories illegal."""
    from properties.history import intervals

    def highest(self: intervals._Ladder, refusal: Record, least: int) -> int | None:
        fitting = [
            version
            for value, versions in self._of_value.items()
            for version in versions
            if version >= least and refusal.is_true_of(version, value)
        ]
        return max(fitting, default=None)

    monkeypatch.setattr(intervals._Ladder, "least_fitting", highest)
    assert _disagrees()


def test_one_reading_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at one choice among unknowns only misses the one that explains it."""
    path = CORPUS / "choice-of-unknowns-for-a-refusal.json"
    monkeypatch.setattr(
        checker, "readings", lambda *given: (writers.readings(*given)[0][-1:], True)
    )
    assert Finding.ILLEGAL is check(files.read(path)[1]).finding
