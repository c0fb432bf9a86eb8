"""Hand-written histories get the verdict that stands in their file, from every judge."""

import dataclasses
from pathlib import Path

import pytest

from properties.history import files
from properties.history.__main__ import CORPUS
from properties.history.checker import check
from properties.history.crosscheck import opinions
from properties.history.verdicts import Finding

PATHS = sorted(CORPUS.glob("*.json"))
OF_THE_BEGINNING = {"unknown-expected-another", "writes-what-was-there"}
OF_ONE = {"aba-is-taken"}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_history_gets_its_verdict(path: Path) -> None:
    """From the intervals, from the search, from every order tried, and from outside."""
    record, history = files.read(path)
    judgement = check(history)
    assert record.expected == judgement.finding.value, judgement.told()
    legal = record.expected == "ok"
    assert {legal} == set(opinions(history, "").values())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_illegal_history_names_the_two(path: Path) -> None:
    """Both stand in the sentence and, marked, in the timeline; a beginning has no name."""
    judgement = check(files.read(path)[1])
    if judgement.finding is Finding.OK:
        return
    broken = judgement.contradiction
    assert broken is not None
    names = {each.name for each in (broken.first, broken.second) if each is not None}
    assert (1 if path.stem in OF_THE_BEGINNING | OF_ONE else 2) == len(names)
    for name in names:
        assert name in broken.sentence
        assert f"* {name} " in judgement.picture


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_two_alone_are_illegal_or_need_a_writer(path: Path) -> None:
    """What is named is the matter: without one of them the history is legal, or it is a write.

    A write that is left out leaves a gap, which is another contradiction; so only readers and
    refusals are left out here.
    """
    history = files.read(path)[1]
    broken = check(history).contradiction
    if broken is None or broken.second.is_write or broken.second.may_have_written:
        return
    rest = [each for each in history.records if each is not broken.second]
    fewer = dataclasses.replace(history, records=tuple(rest))
    assert Finding.OK is check(fewer).finding


def test_the_corpus_has_both_and_says_why() -> None:
    """At least twenty, each with a title, a source and a reason."""
    records = [files.read(path)[0] for path in PATHS]
    assert [] == [
        record.title for record in records if not (record.title and record.source and record.why)
    ]
    verdicts = [record.expected for record in records]
    assert verdicts.count("ok") >= 10 and verdicts.count("illegal") >= 10
