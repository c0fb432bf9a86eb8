"""A line of the ledger covers one change of one release, until its day; anything else fails."""

import datetime
import random
from pathlib import Path

import msgspec
import pytest

from reports import judgement, ledger, regressions
from reports.documents.upgrades import remarks
from reports.laws import LawsRun
from reports.ledger import Ledger, Line, accept_laws
from reports.schema import (
    NEXT_FAILURE,
    AcceptedKind,
    AcceptedState,
    BehaviourChange,
    ChangeOutcome,
    LawComparison,
    LawKind,
    LawOutcome,
    LawVerdict,
    Verdict,
    VersionChange,
)
from reports.session import UsageError
from reports.tests.test_clocks_never_toss_a_coin import pairs, timed, verdict

TODAY = datetime.date(2026, 11, 28)
LAW = """
[[accepted]]
kind = "law"
name = "assume_it_is_lazy"
package = "Planted"
versions = ">=3.0,<4"
shows = "raised at the call"
reason = "we await at once"
source = "https://planted.example/news"
expires = 2026-11-28
"""
BENCHMARK = """
[[accepted]]
kind = "benchmark"
name = "manager"
package = "planted"
versions = "==3.2"
bound = 2.3
reason = "it is worth it"
expires = 2027-01-01
"""
BEHAVIOUR = BENCHMARK.replace('"benchmark"', '"behaviour"').replace('"manager"', '"a/calls"')


def lines(tmp_path: Path, text: str) -> list[Line]:
    book = tmp_path / "accepted.toml"
    book.write_text(text)
    return ledger.read(book)


def book_of(
    known: list[Line], *, release: str = "3.2", before: str = "2.0", today: datetime.date = TODAY
) -> Ledger:
    change = VersionChange(name="planted", baseline=before, candidate=release, was_asked=True)
    return Ledger(lines=known, changes=[change], today=today)


def broken(
    kind: LawKind = LawKind.ASSUMPTION,
    outcome: LawOutcome = LawOutcome.NEW_FAILURE,
    failure: str = "expected: lazy; it raised at the call",
) -> LawComparison:
    return LawComparison(
        law="assume_it_is_lazy [library]",
        kind=kind,
        sentence="it is lazy",
        baseline=LawVerdict.PASS,
        candidate=LawVerdict.FAIL,
        outcome=outcome,
        failure=failure,
    )


def judged(book: Ledger, row: LawComparison) -> Verdict:
    empty = LawsRun(record=None, problem=None)
    held = msgspec.structs.replace(row, law="other", outcome=LawOutcome.HOLDS)
    reasons = judgement.law_reasons(accept_laws(book, [row, held]), empty, empty)
    return judgement.decide(reasons)[0]


def test_a_named_change_passes_on_its_last_day(tmp_path: Path) -> None:
    """The line is listed with its reason, and says that it was used."""
    book = book_of(lines(tmp_path, LAW))
    assert Verdict.PASS is judged(book, broken())
    row = accept_laws(book, [broken()])[0]
    assert row.accepted is not None
    assert row.accepted.endswith("accepted.toml:2: we await at once")
    assert [AcceptedState.USED] == [each.state for each in book.records()]
    assert [] == remarks(book.records())


@pytest.mark.parametrize(
    ("options", "row", "state", "words"),
    [
        ({"release": "4.0"}, broken(), AcceptedState.NOT_ASKED, None),
        ({"before": "3.2"}, broken(), AcceptedState.NOT_ASKED, None),
        ({"today": datetime.date(2026, 11, 29)}, broken(), AcceptedState.EXPIRED, "it expired on"),
        ({}, broken(failure="it crashed"), AcceptedState.REFUSED, "does not show 'raised at"),
        (
            {},
            broken(failure=f"it raised at the call\n{NEXT_FAILURE}other\nit crashed"),
            AcceptedState.REFUSED,
            "one of its failures does not show 'raised at",
        ),
        ({}, broken(kind=LawKind.MACHINE), AcceptedState.REFUSED, "a promise of the machine"),
    ],
)
def test_anything_else_fails_as_if_there_were_no_line(
    tmp_path: Path,
    options: dict[str, str],
    row: LawComparison,
    state: AcceptedState,
    words: str | None,
) -> None:
    """Another release, no change of release, a day later, another failure, a promise of ours."""
    book = book_of(lines(tmp_path, LAW), **options)  # type: ignore[arg-type]  # one date among strings
    assert Verdict.FAIL is judged(book, row)
    assert [state] == [each.state for each in book.records()]
    if words is not None:
        assert words in (accept_laws(book, [row])[0].reason or "")


def test_a_line_that_was_not_needed_or_expired_is_reported(tmp_path: Path) -> None:
    """A law that holds after all, and a line of last year."""
    known = lines(tmp_path, LAW)
    book = book_of(known)
    accept_laws(book, [broken(outcome=LawOutcome.HOLDS)])
    assert "was not needed: narrow its versions" in remarks(book.records())[0]
    open_law = book_of(known)
    accept_laws(open_law, [broken(outcome=LawOutcome.UNKNOWN)])
    assert [] == remarks(open_law.records())
    late = book_of(known, today=datetime.date(2027, 1, 1))
    assert "expired on 2026-11-28: renew it" in remarks(late.records())[0]


def test_a_slowdown_passes_below_its_bound_only(tmp_path: Path) -> None:
    """Twofold passes with a bound of 2.3, threefold fails, and a loud control accepts nothing."""
    known = lines(tmp_path, BENCHMARK)

    def answer(ratio: float, control: float = 1.0) -> Verdict:
        made = pairs(random.Random(1), {"control": control, "manager": ratio}, noise=0.02)
        return verdict(timed(made, book=book_of(known)))

    assert Verdict.PASS is answer(2.0)
    assert Verdict.FAIL is answer(3.0)
    assert Verdict.INVALID is answer(2.0, control=1.4)


def test_a_count_of_a_behaviour_has_its_bound(tmp_path: Path) -> None:
    """Up to the bound it is accepted, beyond it is not, and a count without a bound never is."""
    change = BehaviourChange(
        name="a/calls",
        kind="calls",
        sentence="more calls",
        source="a",
        outcome=ChangeOutcome.CHANGED,
        ratio=2.3,
    )
    for text, ratio, expected in (
        (BEHAVIOUR, 2.3, True),
        (BEHAVIOUR, 2.31, False),
        (BEHAVIOUR.replace("bound = 2.3\n", ""), 1.1, False),
    ):
        book = book_of(lines(tmp_path, text))
        ruling = book.behaviour(msgspec.structs.replace(change, ratio=ratio))
        assert ruling is not None
        assert expected is (ruling.refusal is None)
    unmet = book_of(lines(tmp_path, BEHAVIOUR))
    unmet.behaviour_was_judged()
    assert [AcceptedState.UNUSED] == [each.state for each in unmet.records()]


def test_a_change_is_accepted_where_every_place_of_it_is(tmp_path: Path) -> None:
    """What also shows in a scene that no line names is not accepted with the first one."""
    change = BehaviourChange(
        name="two_senders/enter new",
        kind="new",
        sentence="`enter` is new",
        source="two_senders",
        outcome=ChangeOutcome.CHANGED,
        places=2,
        names=["two_senders/enter new", "bare_machine/enter new"],
    )
    text = BEHAVIOUR.replace("bound = 2.3\n", "").replace("a/calls", "two_senders/*")
    ruling = book_of(lines(tmp_path, text)).behaviour(change)
    assert ruling is not None and ruling.refusal is not None
    assert "it shows as bare_machine/enter new too" in ruling.text
    both = text + text.replace("two_senders/*", "bare_machine/*")
    ruling = book_of(lines(tmp_path, both)).behaviour(change)
    assert ruling is not None and ruling.refusal is None


def test_a_scene_that_cannot_be_played_is_accepted_by_its_whole_name(tmp_path: Path) -> None:
    """It hides everything else, so no wildcard covers it."""
    change = BehaviourChange(
        name="classes/scene unplayed",
        kind="unplayed",
        sentence="what was played before cannot be played any more",
        source="classes",
        outcome=ChangeOutcome.CHANGED,
        names=["classes/scene unplayed"],
    )
    text = BEHAVIOUR.replace("bound = 2.3\n", "").replace("a/calls", "classes/*")
    assert book_of(lines(tmp_path, text)).behaviour(change) is None
    named = text.replace("classes/*", "classes/scene unplayed")
    ruling = book_of(lines(tmp_path, named)).behaviour(change)
    assert ruling is not None and ruling.refusal is None


def test_another_failure_of_a_known_law_can_be_accepted(tmp_path: Path) -> None:
    """By the words that it shows now."""
    row = broken(outcome=LawOutcome.FAILS_OTHERWISE)
    assert Verdict.PASS is judged(book_of(lines(tmp_path, LAW)), row)
    assert Verdict.UNKNOWN is judged(book_of([]), row)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAW + "[[accepted]]\nkind = 'taste'\n", "accepted.toml:11: kind: Invalid enum value"),
        (LAW.replace('reason = "we await at once"\n', ""), ":2: missing required field reason"),
        (LAW.replace("we await at once", " "), ":2: reason is empty"),
        (LAW.replace(">=3.0,<4", "three"), "is no set of releases"),
        (LAW.replace("2026-11-28", '"soon"'), ":2: expires: Expected date"),
        (LAW.replace('shows = "raised at the call"\n', ""), "a law needs `shows`"),
        (LAW.replace('source = "https://planted.example/news"\n', ""), "a law needs a source"),
        (LAW.replace("https://planted", "somebody said"), "is no address"),
        (LAW + "bound = 2.0\n", "a law has no bound"),
        (LAW + 'until = "then"\n', "contains unknown field until"),
        (LAW + LAW, ":12: says the same as"),
        (BENCHMARK.replace("bound = 2.3\n", ""), "a benchmark needs a bound"),
        (BENCHMARK.replace("2.3", "0.9"), "bound = 0.9 is no ratio above 1"),
        (BENCHMARK.replace("2.3", "nan"), "bound = nan is no ratio above 1"),
        (BENCHMARK + 'shows = "x"\n', "a benchmark shows nothing"),
        ("[[accepted]\n", "no TOML"),
        ("[accepted]\n", "accepted.toml: Expected array"),
    ],
)
def test_a_malformed_line_is_a_usage_error_that_says_what_to_do(
    tmp_path: Path, text: str, words: str
) -> None:
    """Which line, what is wrong with it, and where to see how one looks."""
    with pytest.raises(UsageError) as caught:
        lines(tmp_path, text)
    assert words in str(caught.value)
    assert ledger.ADVICE in str(caught.value) or "Take one of them out." in str(caught.value)


def test_our_own_ledger_accepts_what_upstream_did_on_purpose() -> None:
    """Each law that it accepts is a pair of releases, changed on purpose, in the same words."""
    on_purpose = {pair.law: pair for pair in regressions.corpus() if pair.is_on_purpose}
    accepted = [line for line in ledger.read() if line.kind is AcceptedKind.LAW]
    assert len(accepted) == 7
    for line in accepted:
        pair = on_purpose[line.name]
        assert pair.package == line.package
        assert line.shows is not None
        assert line.shows in pair.shows or pair.shows in line.shows, line.place
        assert pair.good not in line.versions, line.place


def test_our_own_ledger_covers_the_release_it_was_written_for() -> None:
    """Each law newly fails at 3.2.2 in its pair's words and is accepted; at 3.2.1 it is not."""
    pairs_of = {pair.law: pair for pair in regressions.corpus()}
    for line in ledger.read():
        if line.kind is not AcceptedKind.LAW:
            continue
        failure = f"{pairs_of[line.name].shows}, {line.shows}"
        row = msgspec.structs.replace(broken(failure=failure), law=f"{line.name} [the libraries]")
        for release, expected in (("3.2.2", True), ("3.2.1", False)):
            change = VersionChange(
                name="python-statemachine", baseline="2.6.0", candidate=release, was_asked=True
            )
            book = Ledger(lines=ledger.read(), changes=[change], today=TODAY)
            assert expected is (accept_laws(book, [row])[0].accepted is not None), line.place
