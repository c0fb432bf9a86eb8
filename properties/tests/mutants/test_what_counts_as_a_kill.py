"""A kill is a law's own failure; what is left over is told: survivors, doubts, bars."""

from properties.mutants import bars, tables
from properties.mutants.kills import Case, line_count, record_of
from properties.mutants.registry import all_mutants
from properties.mutants.trials import Result, Said, Sighting, Trial
from properties.recording import NOT_JUDGED
from reports.schema import LawVerdict, MutantRecord

PASS, FAIL, UNKNOWN = LawVerdict.PASS, LawVerdict.FAIL, LawVerdict.UNKNOWN
BUG = all_mutants()["the_row_count_is_ignored"]


def _result(*said: Said, ended: str = "itself", asking: str = "", error: str = "") -> Result:
    trial = Trial(
        subject="s", laws=("a", "b"), seed=0, ends_at="failure", cap_cpu_s=1.0, law_cap_s=1.0
    )
    seen = Sighting(law="b", cpu_s=0.5, elapsed_s=0.75, examples=3, schedules=4)
    return Result(
        trial=trial, said=list(said), sightings=[seen], ended=ended, asking=asking, error=error
    )


def _said(law: str, verdict: LawVerdict, text: str = "") -> Said:
    return Said(law=law, verdict=verdict, cpu_s=1.0, elapsed_s=2.0, text=text)


def _record(name: str, killed_by: str | None, **verdicts: LawVerdict) -> MutantRecord:
    return MutantRecord(
        name=name,
        family="f",
        sentence="s.",
        subject="s",
        laws=["a"],
        realistic="r",
        shows="s",
        verdicts=verdicts,
        killed_by=killed_by,
    )


def test_a_law_whose_judge_failed_kills_nobody() -> None:
    """Nor one that ran over; the next law is asked, and its failure is the kill."""
    case = Case("x", "s", BUG)
    case.results.append(_result(_said("a", UNKNOWN, "the judge failed"), ended="law cap"))
    assert case.kill() is None
    case.results.append(_result(_said("b", FAIL, "broken")))
    made = record_of(case)
    assert ("b", 0.5, 0.75, 3, 4) == (
        made.killed_by,
        made.cpu_s,
        made.elapsed_s,
        made.examples,
        made.schedules,
    )


def test_a_survivor_is_told() -> None:
    """With what could not be judged, in the table and among the bars."""
    case = Case("x", "s", BUG, [_result(_said("a", PASS), ended="law cap", asking="b")])
    made = record_of(case)
    assert {"a": PASS, "b": UNKNOWN} == made.verdicts
    assert ["the_row_count_is_ignored survives"] == bars.short_of_kills([made], is_all=True)
    assert "SURVIVES (unknown: b)" in "\n".join(tables.kills([made]))


def test_an_error_of_the_trial_is_the_reason() -> None:
    """A change whose target is gone kills nobody."""
    made = record_of(Case("x", "s", BUG, [_result(error="PatchError: gone", ended="itself")]))
    assert (None, "PatchError: gone") == (made.killed_by, made.reason)


def test_what_a_cut_left_unjudged_is_no_doubt() -> None:
    """The exploration ended at another law: this one was not asked."""
    case = Case("x", "s", BUG, [_result(_said("a", UNKNOWN, NOT_JUDGED), _said("b", FAIL))])
    assert {"b": FAIL} == case.verdicts()


def test_the_lines_of_a_counterexample_are_its_steps() -> None:
    """Those left out are counted, a second law's are not."""
    simulated = (
        "d: a law is broken\n  virtual ms  a    b\n      0.000   BEGIN\n!     1.500   COMMIT\n"
        "              ... 7 steps\n\nminimal: 1 deviation\nnox -s replay -- x@1:1"
    )
    assert 9 == line_count(simulated)
    real = "a law\n    …  3 earlier moments\n    1  attempt-1  -> e\n  2.5  attempt-1  <- ok\n"
    assert 5 == line_count(real)
    assert 5 == line_count("a law\n    …  9 moments, after which every law held" + real[5:])
    assert 5 == line_count(f"{real}\nanother law:\n    1  attempt-1  -> e\n")
    assert 0 == line_count("assert 1 == 2\n  where 1 is not 2")


def test_no_law_may_kill_too_much() -> None:
    """More than a quarter of all first kills, where there are enough to say so."""
    many = [_record(f"m{n}", "a" if n < 6 else f"law {n}", a=FAIL) for n in range(20)]
    assert ["a is the first killer of 6 of 20"] == bars.short_of_kills(many, is_all=True)
    assert [] == bars.short_of_kills(many, is_all=False)
    assert [] == bars.short_of_kills(many[1:], is_all=True)


def test_a_law_that_must_catch_it_and_does_not_is_told() -> None:
    """Whoever else did."""
    made = _record("m", "b", a=PASS, b=FAIL)
    assert ["m is not caught by a"] == bars.short_of_kills([made], is_all=False)


def test_only_killers_are_named() -> None:
    """A mutant that two laws kill has none."""
    mutants = [_record("m", "a", a=FAIL, b=PASS), _record("n", "a", a=FAIL, b=FAIL)]
    assert {"a": ["m"]} == bars.only_killers(mutants)
    assert "a: m" in tables.matrix(mutants)
