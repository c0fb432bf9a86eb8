"""New failure, fixed, failing in both, unknown: told apart, and only what was seen counts."""

from pathlib import Path

import msgspec
import pytest

from reports import judgement, schema
from reports.laws import (
    LawsRun,
    compare_laws,
    drawing_laws,
    newly_broken,
    outcome_of,
    read_run,
    with_met,
)
from reports.processes import Ended
from reports.schema import (
    NEXT_FAILURE,
    LawComparison,
    LawKind,
    LawOutcome,
    LawRecord,
    LawsRecord,
    LawVerdict,
    Reason,
    Verdict,
)
from reports.session import UsageError
from reports.verdict import _is_decided


def laws(verdicts: dict[str, LawVerdict], verdict: Verdict = Verdict.PASS) -> LawsRecord:
    rows = [
        LawRecord(
            law=name,
            kind=LawKind.ASSUMPTION if name.startswith("assume") else LawKind.MACHINE,
            sentence=name,
            subject="manager",
            verdict=each,
            examples=1,
            steps=1,
            elapsed_ms=1,
            failure="two writers won\nreplay: x" if each is LawVerdict.FAIL else None,
        )
        for name, each in verdicts.items()
    ]
    return LawsRecord(
        name="properties", verdict=verdict, summary="laws", profile="gate", seed=1, laws=rows
    )


def run(**verdicts: LawVerdict) -> LawsRun:
    return LawsRun(record=laws(verdicts), problem=None)


PASS, FAIL, UNKNOWN, NOT_ASKED = (
    LawVerdict.PASS,
    LawVerdict.FAIL,
    LawVerdict.UNKNOWN,
    LawVerdict.NOT_ASKED,
)


def test_every_pair_of_verdicts_has_its_outcome() -> None:
    """Five pairs say something; every other of the twenty-five is unknown."""
    said: dict[tuple[LawVerdict | None, LawVerdict | None], LawOutcome] = {
        (PASS, PASS): LawOutcome.HOLDS,
        (PASS, FAIL): LawOutcome.NEW_FAILURE,
        (FAIL, PASS): LawOutcome.FIXED,
        (FAIL, FAIL): LawOutcome.FAILS_IN_BOTH,
        (NOT_ASKED, NOT_ASKED): LawOutcome.NOT_ASKED,
    }
    sides = (PASS, FAIL, UNKNOWN, NOT_ASKED, None)
    for before in sides:
        for after in sides:
            expected = said.get((before, after), LawOutcome.UNKNOWN)
            assert expected is outcome_of(before, after), (before, after)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ({"a": PASS}, {"a": PASS}, Verdict.PASS),
        ({"a": PASS, "b": PASS}, {"a": PASS, "b": FAIL}, Verdict.FAIL),
        ({"a": PASS, "b": FAIL}, {"a": PASS, "b": FAIL}, Verdict.UNKNOWN),
        ({"a": PASS, "assume_b": FAIL}, {"a": PASS, "assume_b": FAIL}, Verdict.PASS),
        ({"a": PASS, "b": FAIL}, {"a": PASS, "b": PASS}, Verdict.PASS),
        ({"a": PASS, "b": PASS}, {"a": PASS, "b": UNKNOWN}, Verdict.UNKNOWN),
        ({"a": PASS, "b": PASS}, {"a": PASS}, Verdict.UNKNOWN),
        ({"a": PASS}, {"a": PASS, "b": PASS}, Verdict.UNKNOWN),
        ({"a": PASS, "b": UNKNOWN}, {"a": PASS, "b": FAIL}, Verdict.UNKNOWN),
        ({"b": FAIL}, {"b": FAIL}, Verdict.UNKNOWN),
        ({"a": PASS, "b": NOT_ASKED}, {"a": PASS, "b": NOT_ASKED}, Verdict.UNKNOWN),
        ({}, {}, Verdict.UNKNOWN),
    ],
)
def test_the_laws_verdict(
    before: dict[str, LawVerdict], after: dict[str, LawVerdict], verdict: Verdict
) -> None:
    """A new failure fails, anything not seen is unknown, and nothing seen at all is no pass.

    Where a promise of the machine fails already, nobody can see whether the upgrade breaks it.
    """
    sides = run(**before), run(**after)
    reasons = judgement.law_reasons(compare_laws(*sides), *sides)
    assert verdict is judgement.decide(reasons)[0]


def test_a_new_failure_is_told_first_with_its_counterexample() -> None:
    """The heaviest reason stands first and carries the first line of the failure."""
    sides = run(a=PASS, b=UNKNOWN, c=PASS), run(a=PASS, b=UNKNOWN, c=FAIL)
    verdict, reasons = judgement.decide(judgement.law_reasons(compare_laws(*sides), *sides))
    assert Verdict.FAIL is verdict
    assert "the law c [manager] holds with the baseline" in reasons[0].text
    assert reasons[0].text.endswith("two writers won")
    assert [Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS] == [each.verdict for each in reasons]


def test_a_process_that_ended_badly_passes_nothing_and_hides_no_failure() -> None:
    """After a crash passes become unknown; a failure that was recorded before it stands."""
    bad = LawsRun(record=laws({"a": PASS, "b": FAIL}), problem="was killed after 90 s")
    outcomes = [each.outcome for each in compare_laws(run(a=PASS, b=PASS), bad)]
    assert [LawOutcome.UNKNOWN, LawOutcome.NEW_FAILURE] == outcomes
    outcomes = [each.outcome for each in compare_laws(bad, run(a=FAIL, b=FAIL))]
    assert [LawOutcome.UNKNOWN, LawOutcome.FAILS_IN_BOTH] == outcomes


def but(run_: LawsRun, law: str, **changes: object) -> LawsRun:
    """The same run, one law of it otherwise."""
    assert run_.record is not None
    rows = [
        msgspec.structs.replace(each, **changes) if each.law == law else each
        for each in run_.record.laws
    ]
    return LawsRun(record=msgspec.structs.replace(run_.record, laws=rows), problem=None)


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        ("two writers won\nreplay: y", LawOutcome.FAILS_IN_BOTH),
        ("nobody won", LawOutcome.FAILS_OTHERWISE),
        (f"two writers won\n{NEXT_FAILURE}b\nnobody won", LawOutcome.FAILS_OTHERWISE),
    ],
)
def test_an_assumption_that_fails_otherwise_is_no_old_failure(
    failure: str, outcome: LawOutcome
) -> None:
    """What it says is compared, without what differs from run to run."""
    before = run(a=PASS, assume_b=FAIL)
    after = but(before, "assume_b", failure=failure)
    rows = compare_laws(before, after)
    assert outcome is rows[1].outcome
    verdict, reasons = judgement.decide(judgement.law_reasons(rows, before, after))
    is_old = outcome is LawOutcome.FAILS_IN_BOTH
    assert verdict is (Verdict.PASS if is_old else Verdict.UNKNOWN)
    assert is_old or "fails in both, in another way" in reasons[0].text


def test_numbers_and_addresses_make_no_other_failure() -> None:
    """They differ from run to run."""
    before = but(run(assume_b=FAIL), "assume_b", failure="<Row at 0x7f01> has 3 owners")
    after = but(run(assume_b=FAIL), "assume_b", failure="<Row at 0x8e44> has 12 owners")
    assert [LawOutcome.FAILS_IN_BOTH] == [each.outcome for each in compare_laws(before, after)]


def test_a_law_that_did_no_work_with_the_candidate_is_unknown() -> None:
    """A pass of nothing, where the baseline drew examples. A law that never draws may do so."""
    idle = {"examples": 0, "steps": 0, "schedules": 0}
    before, after = run(a=PASS), but(run(a=PASS), "a", **idle)
    assert [LawOutcome.UNKNOWN] == [each.outcome for each in compare_laws(before, after)]
    assert [LawOutcome.HOLDS] == [each.outcome for each in compare_laws(after, after)]
    assert [LawOutcome.HOLDS] == [each.outcome for each in compare_laws(after, before)]


def ended(exit_code: int | None, tail: str = "") -> Ended:
    return Ended(exit_code=exit_code, elapsed_s=1.0, tail=tail)


def test_how_a_process_ended_is_read_together_with_its_record(tmp_path: Path) -> None:
    """A record is believed only from a process that ended as its verdict says."""
    out = tmp_path / "laws.json"
    dead = read_run(out, ended(-11, "Traceback\nValueError: x\nbye"))
    assert (None, "ended with signal 11 and left no record: ValueError: x") == (
        dead.record,
        dead.problem,
    )
    schema.write(out, laws({"a": FAIL}, Verdict.FAIL))
    assert read_run(out, ended(1)).problem is None
    assert "ended with exit code 0 after" in str(read_run(out, ended(0)).problem)
    assert "was killed after 1 s after" in str(read_run(out, ended(None)).problem)
    for doubtful, why in (
        (laws({"a": PASS}, Verdict.INVALID), "ended invalid, for no law"),
        (laws({"a": PASS}, Verdict.FAIL), "ended fail, for no law"),
        (laws({"a": PASS}, Verdict.UNKNOWN), "ended unknown, for no law"),
        (
            msgspec.structs.replace(laws({"a": FAIL}, Verdict.FAIL), dropped=["b [manager]"]),
            "did not ask what is pinned: b [manager]",
        ),
    ):
        schema.write(out, doubtful)
        assert why in str(read_run(out, ended(doubtful.verdict.exit_code)).problem)
    out.write_text("{")
    hurt = read_run(out, ended(0))
    assert hurt.record is None
    assert "not a record of this project" in str(hurt.problem)


def test_a_law_that_nobody_knows_is_a_usage_error(tmp_path: Path) -> None:
    """The laws' own refusal of a question is passed on, not judged; a library's exit is not one."""
    refused = "no such law: x\nproperties: usage: nothing was asked\n"
    with pytest.raises(UsageError, match="no such law: x"):
        read_run(tmp_path / "none.json", ended(2, refused))
    left = read_run(tmp_path / "none.json", ended(2, "importing planted\n"))
    assert "left no record: importing planted" in str(left.problem)


def test_no_reason_at_all_is_unknown() -> None:
    """Nothing to go by is never a pass."""
    assert Verdict.UNKNOWN is judgement.decide([])[0]
    mixed = [Reason(verdict=each, text="") for each in Verdict]
    assert Verdict.FAIL is judgement.decide(mixed)[0]


@pytest.mark.parametrize(
    ("kind", "outcome", "decided"),
    [
        (LawKind.MACHINE, LawOutcome.NEW_FAILURE, True),
        (LawKind.MACHINE, LawOutcome.FAILS_IN_BOTH, False),
        (LawKind.ASSUMPTION, LawOutcome.NEW_FAILURE, False),
    ],
)
def test_only_a_promise_that_newly_fails_spares_the_clocks(
    kind: LawKind, outcome: LawOutcome, decided: bool
) -> None:
    """What a library changed on purpose is weighed against what its release costs."""
    row = LawComparison(
        law="a_law",
        kind=kind,
        sentence="A law.",
        baseline=LawVerdict.PASS,
        candidate=LawVerdict.FAIL,
        outcome=outcome,
    )
    assert decided is _is_decided([row])


def drawing(asked: LawsRun, *laws: str) -> LawsRun:
    """The same, where these laws were asked about nine drawn cases each."""
    assert asked.record is not None
    rows = [
        msgspec.structs.replace(law, drawn=9) if law.law in laws else law
        for law in asked.record.laws
    ]
    return LawsRun(record=msgspec.structs.replace(asked.record, laws=rows), problem=None)


def test_only_laws_that_draw_meet_the_other_sides_cases() -> None:
    """The baseline those that the candidate alone broke, the candidate all."""
    before = drawing(run(a=PASS, b=PASS, c=FAIL, d=PASS), "a", "c", "d")
    after = drawing(run(a=FAIL, b=FAIL, c=FAIL, d=PASS), "a", "c", "d")
    assert {"a", "c", "d"} == drawing_laws(before)
    assert {"a"} == newly_broken(before, after)
    assert set() == drawing_laws(LawsRun(record=None, problem="crashed"))


def test_what_a_side_says_of_the_others_cases_counts_like_what_it_says_of_its_own() -> None:
    """A failure stands whoever drew it; what was not met is unknown, and no pass."""
    own = drawing(run(a=PASS, b=PASS, c=FAIL, d=PASS, e=PASS, f=PASS), *"abcdef")
    again = drawing(run(a=PASS, b=FAIL, c=PASS, d=UNKNOWN), *"abcd")
    both = with_met(own, again, set("abcde"))
    assert both.record is not None
    told = {law.law: (law.verdict, law.drawn, law.failure) for law in both.record.laws}
    broken = "two writers won\nreplay: x"
    assert {
        "a": (PASS, 18, None),
        "b": (FAIL, 9, broken),
        "c": (FAIL, 9, broken),
        "d": (UNKNOWN, 9, None),
        "e": (UNKNOWN, 9, None),
        "f": (PASS, 9, None),
    } == told
    why = {law.law: law.reason for law in both.record.laws}
    met = "the cases that the other side's hypothesis drew were not met"
    assert f"{met}: they were not reported" == why["e"]


def test_cases_met_by_a_process_that_did_not_end_well_are_no_pass() -> None:
    """Its passes are not believed, its failures are; nothing is added to a run without a record."""
    crashed = LawsRun(record=run(a=PASS, b=FAIL).record, problem="ended with signal 11")
    both = with_met(run(a=PASS, b=PASS), crashed, {"a", "b"})
    assert both.record is not None
    assert [UNKNOWN, FAIL] == [law.verdict for law in both.record.laws]
    assert str(both.record.laws[0].reason).endswith("were not met: ended with signal 11")
    none = LawsRun(record=None, problem="hung")
    assert none is with_met(none, crashed, {"a"})


def test_a_run_that_we_ended_keeps_what_it_had_asked(tmp_path: Path) -> None:
    """At its limit the partial record is believed; after a crash its passes are not."""
    out = tmp_path / "laws.json"
    partial = msgspec.structs.replace(
        laws({"a": PASS, "b": FAIL}, Verdict.UNKNOWN), is_partial=True, summary="2 of 9"
    )
    schema.write(out, partial)
    for code, expected in ((None, LawOutcome.HOLDS), (-11, LawOutcome.UNKNOWN)):
        ended = read_run(out, Ended(exit_code=code, elapsed_s=90.0, tail=""))
        assert ended.problem is not None and ended.problem.endswith(": 2 of 9")
        rows = compare_laws(run(a=PASS, b=PASS, c=PASS), ended)
        outcomes = [expected, LawOutcome.NEW_FAILURE, LawOutcome.UNKNOWN]
        assert outcomes == [each.outcome for each in rows]
    # One that ends by itself, by the exit code of *unknown*, has not asked everything all the same.
    assert read_run(out, Ended(exit_code=3, elapsed_s=1.0, tail="")).problem is not None


def test_laws_that_one_end_made_unknown_are_told_in_one_line_of_bounded_length() -> None:
    """A crash makes all of them unknown; twelve are named, and how many more there are."""
    before = run(**{f"law_{number}": PASS for number in range(40)})
    after = LawsRun(record=None, problem="was killed after 90 s and left no record")
    reasons = judgement.law_reasons(compare_laws(before, after), before, after)
    (line,) = [each.text for each in reasons if "law_0" in each.text]
    assert line.startswith("40 laws unknown for it: law_0 [manager], law_1 [manager]")
    assert line.endswith("law_11 [manager], and 28 more")
