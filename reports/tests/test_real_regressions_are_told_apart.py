"""A pair counts as told apart only where the named law fails at one side, for its own reason."""

from pathlib import Path

import pytest

from reports import asking, marked, regressions, upstream
from reports.asking import Asking
from reports.regressions import CPYTHON, SQLITE, Pair, Workload
from reports.schema import LawKind, LawRecord, LawVerdict, PairComparison, PairOutcome, Verdict
from reports.session import ROOT, UsageError

PLANTED = Pair(
    name="planted",
    package="planted",
    bad="3.0",
    good="1.0",
    law="work_is_done",
    shows="work was not done",
    what="work is not done",
    reference="https://example.org/planted",
)


def but(**changes: object) -> Pair:
    """The planted pair with something else about it."""
    fields = {name: getattr(PLANTED, name) for name in PLANTED.__struct_fields__}
    return Pair(**(fields | changes))


def law(verdict: LawVerdict, failure: str | None = None) -> LawRecord:
    """What a law said."""
    return LawRecord(
        law="work_is_done",
        kind=LawKind.ASSUMPTION,
        sentence="Work is done.",
        verdict=verdict,
        subject="the libraries",
        examples=1,
        steps=1,
        elapsed_ms=1,
        failure=failure,
    )


def judged(pairs: list[Pair], scratch: Path) -> list[PairComparison]:
    """What real environments and processes say of them."""
    asked = Asking(pairs, scratch=scratch, seed=1, asks_all=False, pulse=lambda _: None)
    return [asked.judge(pair) for pair in pairs]


BROKEN = law(LawVerdict.FAIL, "assert 1 == 2\nwork was not done")
HELD = law(LawVerdict.PASS)


def test_only_a_new_failure_for_its_own_reason_counts() -> None:
    """Fails at the bad one, says what it shows, and holds at the good one."""
    assert (PairOutcome.TOLD_APART, None) == asking.told_apart(PLANTED, BROKEN, HELD)


@pytest.mark.parametrize(
    ("bad", "good", "why"),
    [
        (HELD, HELD, "work_is_done holds at 3.0"),
        (BROKEN, BROKEN, "work_is_done fails at 1.0 too: assert 1 == 2"),
        (HELD, BROKEN, "work_is_done fails at 1.0 too: assert 1 == 2"),
        (
            law(LawVerdict.FAIL, "ImportError"),
            HELD,
            "work_is_done fails for another reason than 'work was not done'",
        ),
    ],
    ids=["holds in both", "fails in both", "the other way round", "another reason"],
)
def test_anything_else_that_was_seen_is_a_miss(bad: LawRecord, good: LawRecord, why: str) -> None:
    """With the reason."""
    assert (PairOutcome.MISSED, why) == asking.told_apart(PLANTED, bad, good)


@pytest.mark.parametrize(
    "unseen", [None, law(LawVerdict.UNKNOWN), law(LawVerdict.NOT_ASKED)], ids=repr
)
@pytest.mark.parametrize("other", [BROKEN, HELD])
def test_what_was_not_seen_is_unknown(unseen: LawRecord | None, other: LawRecord) -> None:
    """On either side, whatever the other one says."""
    found = [asking.told_apart(PLANTED, unseen, other), asking.told_apart(PLANTED, other, unseen)]
    assert [PairOutcome.UNKNOWN] * 2 == [outcome for outcome, _ in found]


def test_what_needs_luck_is_unknown_where_nothing_was_seen() -> None:
    """Runs without a loss say little of a SQLite that loses rows now and then."""
    pair = but(package=SQLITE, workload=Workload(name="wal-reset", seconds=60, runs=2))
    outcome, why = asking.told_apart(pair, HELD, HELD)
    assert PairOutcome.UNKNOWN is outcome
    assert "2 runs of 60 s showed nothing" in (why or "")
    assert PairOutcome.TOLD_APART is asking.told_apart(pair, BROKEN, HELD)[0]


def test_real_releases_are_made_asked_and_thrown_away(checkout: Path, tmp_path: Path) -> None:
    """One that breaks the law, one that does not, one that does not exist, one that cannot run."""
    pairs = [
        PLANTED,
        but(name="same", bad="1.1"),
        but(name="no such release", bad="99.0"),
        but(name="broken", bad="4.0"),
        but(name="another one ran", bad="7.0"),
        but(name="no such law", law="nobody_wrote_it"),
    ]
    rows = judged(pairs, tmp_path)
    outcomes = [PairOutcome.TOLD_APART, PairOutcome.MISSED, *[PairOutcome.UNKNOWN] * 4]
    assert outcomes == [row.outcome for row in rows]
    reasons = [row.reason or "" for row in rows]
    for sign, reason in zip(
        ["", "holds at 1.1", "no environment", "left no record", "another release", "no such law"],
        reasons,
        strict=True,
    ):
        assert sign in reason, reason
    assert [] == list((tmp_path / "environments").iterdir())


def test_an_environment_stays_for_the_next_pair_that_needs_it(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pairs of the same releases make two environments, not four."""
    made: list[str] = []
    build = Asking._build

    def counted(self: Asking, pair: Pair, version: str) -> object:
        made.append(version)
        return build(self, pair, version)

    monkeypatch.setattr(Asking, "_build", counted)
    rows = judged([PLANTED, but(name="again")], tmp_path)
    assert [PairOutcome.TOLD_APART] * 2 == [row.outcome for row in rows]
    assert ["3.0", "1.0"] == made


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (PLANTED, ["-m", "properties", "--profile", "gate"]),
        (but(package=CPYTHON), ["-m", "properties", "--profile", "gate"]),
        (but(package=SQLITE), ["-m", "properties.durability.on", "3.0", "properties"]),
        (
            but(package=SQLITE, workload=Workload(name="wal-reset", seconds=60, runs=2)),
            ["-m", "properties.durability", "--sqlite", "3.0", "--workload", "wal-reset"],
        ),
    ],
    ids=["a library", "an interpreter", "a SQLite", "a workload"],
)
def test_each_kind_of_pair_is_asked_in_its_own_way(pair: Pair, expected: list[str]) -> None:
    """On another SQLite, or by several processes, where the pair is about that."""
    words = asking.arguments(pair, "3.0", [pair.law], out=Path("r.json"), seed=1)
    assert expected == words[: len(expected)]


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([], Verdict.UNKNOWN),
        ([PairOutcome.TOLD_APART], Verdict.PASS),
        ([PairOutcome.TOLD_APART, PairOutcome.UNKNOWN], Verdict.UNKNOWN),
        ([PairOutcome.UNKNOWN, PairOutcome.MISSED, PairOutcome.TOLD_APART], Verdict.FAIL),
    ],
    ids=["nothing", "all told apart", "one unknown", "one missed"],
)
def test_one_miss_is_a_fail_and_one_unknown_is_no_pass(
    outcomes: list[PairOutcome], verdict: Verdict
) -> None:
    """The worst counts."""
    rows = [
        PairComparison(
            name="planted",
            package="planted",
            bad="2",
            good="1",
            law="work_is_done",
            what="work is not done",
            reference="https://example.org",
            is_on_purpose=False,
            outcome=outcome,
            at_bad=None,
            at_good=None,
            elapsed_ms=1,
        )
        for outcome in outcomes
    ]
    assert verdict is upstream.conclude(rows, 1, 1.0).verdict


def test_a_choice_that_is_not_there_is_a_usage_error() -> None:
    """A pair or a package that nobody knows would else be a session of nothing."""
    pairs = regressions.corpus()
    for names, packages in ((["nosuch"], []), ([], ["nosuch"])):
        with pytest.raises(UsageError, match="nosuch"):
            regressions.chosen(pairs, names=names, packages=packages)
    assert [pairs[1]] == regressions.chosen(pairs, names=[pairs[1].name])


def test_the_corpus_names_laws_that_exist() -> None:
    """Each pair once, of two releases, with a law that is a file or a workload's."""
    pairs = regressions.corpus()
    laws = set(asking.assumption_laws(ROOT))
    assert len(pairs) == len({pair.name for pair in pairs})
    assert [] == [pair.name for pair in pairs if pair.bad == pair.good]
    assert [] == [pair.name for pair in pairs if not pair.workload and pair.law not in laws]


def test_the_page_shows_every_pair() -> None:
    """A pair that is added or renamed comes into the page by the command that makes its table."""
    text = (ROOT / "docs" / "upstream.md").read_text("utf-8")
    shown = "\n".join(marked.between(text, upstream.MARK))
    missing = [
        pair.name
        for pair in regressions.corpus()
        if f"[{pair.name}]({pair.reference})" not in shown or f"`{pair.law}`" not in shown
    ]
    assert [] == missing


def test_a_page_keeps_what_is_not_written_by_the_command() -> None:
    """Head and tail stay; without marks nothing is written."""
    begin, end = marked.BEGIN.format(mark="x"), marked.END.format(mark="x")
    text = f"# Head\n\n{begin}\nold\n{end}\n\ntail\n"
    once = marked.replaced(text, "x", ["new"])
    assert ["new"] == marked.between(once, "x")
    assert once == marked.replaced(once, "x", ["new"])
    assert once.startswith("# Head\n") and once.endswith("\ntail\n")
    for broken in (text.replace(begin, ""), text.replace(end, "")):
        with pytest.raises(UsageError):
            marked.replaced(broken, "x", ["new"])
