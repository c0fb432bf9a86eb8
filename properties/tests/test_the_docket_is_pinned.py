"""A law that drops out is a failure, and a subject that has less is asked less, and told why."""

import dataclasses
import importlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from docs.own_subject import Forgetful, Invoices
from properties.__main__ import law_names
from properties.asked import Docket, docket, dropped
from properties.law import law_of, not_offered
from properties.profiles import PROFILES
from properties.recording import NO_SUBJECT
from properties.report import summary_of, verdict_on
from properties.rules import explore
from properties.subjects import CORE_SUBJECTS, EVERYTHING, Offer, Place, Request
from properties.subjects.core import DEFAULT_SUBJECTS, MODEL_SUBJECTS
from properties.subjects.named import NotASubjectError, require_subject
from properties.subjects.shares import share_of
from properties.tests.foreign import ForeignBroken, ForeignSubject
from properties.tests.test_the_command_line import _run
from reports.schema import LawKind, LawRecord, LawVerdict, Verdict

PINNED = Docket(each_subject=["a"], once=["b"])


def _law(name: str, subject: str, verdict: LawVerdict = LawVerdict.PASS) -> LawRecord:
    return LawRecord(
        law=name,
        kind=LawKind.MACHINE,
        sentence="A sentence.",
        verdict=verdict,
        subject=subject,
        examples=0,
        steps=0,
        elapsed_ms=1.0,
    )


def test_every_law_is_pinned() -> None:
    """A new file of specs gets its line, a removed one takes it along."""
    pinned = docket()
    assert law_names() == sorted({*pinned.each_subject, *pinned.once})


def test_a_law_that_drops_out_fails() -> None:
    """Not reported, or reported as not asked; for one subject of two."""
    asked = [_law("a", "x"), _law("a", "y", LawVerdict.NOT_ASKED), _law("b", NO_SUBJECT)]
    gone = dropped(asked, PINNED, ["x", "y", "z"])
    assert ["a [y]", "a [z]"] == gone
    assert Verdict.FAIL is verdict_on(asked[:1], None, {}, [], gone)
    assert "2 pinned and not asked" in summary_of(asked, {}, Counter(), 1, [], gone)


def test_a_choice_drops_nothing_else() -> None:
    """Who asks for one law, or of one subject, is not told about the others."""
    asked = [_law("a", "x")]
    assert ["b [the libraries]"] == dropped(asked, PINNED, ["x"])
    assert [] == dropped(asked, PINNED, ["x"], laws=["a"])
    assert [] == dropped(asked, PINNED, ["x", "y"], subjects=["x"])


def test_our_own_subjects_offer_everything() -> None:
    """So that none of them is asked less in silence."""
    assert {EVERYTHING} == {factory().offers for factory in CORE_SUBJECTS.values()}


@pytest.mark.parametrize("name", [name for name in law_names() if "assume" not in name])
def test_what_a_law_needs_is_an_offer(name: str) -> None:
    """A misspelt need would be no need."""
    law = law_of(importlib.import_module(f"properties.specs.test_{name}"))
    assert law.needs <= EVERYTHING
    assert not_offered(law, "x", EVERYTHING) is None


def test_a_request_keeps_to_what_is_offered() -> None:
    """No guard that says no, no version, no callback for a subject that has none."""

    async def nothing() -> None:
        pass

    places = tuple((place, nothing) for place in Place)
    asked = Request(
        attempt_id="a",
        file_path="f",
        event="start_upload",
        guard_says=False,
        expected_version=3,
        disturbances=places,
    )
    assert asked == asked.within(EVERYTHING)
    bare = asked.within(frozenset({Offer.JOURNAL}))
    assert (True, None, ()) == (bare.guard_says, bare.expected_version, bare.disturbances)


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "dev"])
def test_only_a_working_day_tries_a_subject_briefly(name: str) -> None:
    """Two of the four on the default model; whoever names one has it tried at length."""
    whole = PROFILES[name]
    assert {whole} == {share_of(whole, each) for each in DEFAULT_SUBJECTS}
    dev = PROFILES["dev"]
    at_length = {each for each in DEFAULT_SUBJECTS if share_of(dev, each) == dev}
    assert {"statemachine", "handrolled-unlocked"} == at_length
    assert dev == share_of(dev, "handrolled", ["handrolled"])


@pytest.mark.parametrize("name", MODEL_SUBJECTS)
def test_another_connection_model_has_a_share_of_the_cases(name: str) -> None:
    """Of any profile; whoever names it has it tried at length."""
    whole = PROFILES["ci"]
    assert whole.shared(5) == share_of(whole, name)
    assert whole == share_of(whole, name, [name])


JOURNAL_LAWS = ("a_stale_writer_never_wins", "only_legal_edges_are_taken")
QUICK = dataclasses.replace(PROFILES["gate"], explored_count=15, step_count=6)


def _judges() -> dict[str, object]:
    return {
        name: importlib.import_module(f"properties.specs.test_{name}").judge
        for name in JOURNAL_LAWS
    }


def test_a_foreign_subject_can_be_judged() -> None:
    """Other tables, no guards, no log, no outcomes: the laws of its journal hold."""
    found = explore(ForeignSubject, _judges(), QUICK.explored)  # type: ignore[arg-type]
    assert ({}, None) == (found.broken, found.harness_error)


def test_a_foreign_bug_is_found() -> None:
    """Its journal counts up, its row does not."""
    found = explore(ForeignBroken, _judges(), QUICK.explored)  # type: ignore[arg-type]
    assert "only_legal_edges_are_taken" in found.broken


def test_the_guides_example_is_judged_as_the_guide_says() -> None:
    """It loses no update, without a journal, and its forgetful sister does."""

    def broken(factory: type[Invoices], law: str, count: int) -> set[str]:
        judges: dict[str, object] = {
            law: importlib.import_module(f"properties.specs.test_{law}").judge
        }
        quick = dataclasses.replace(PROFILES["unshrunk"], explored_count=count, step_count=8)
        found = explore(factory, judges, quick.explored, until_broken=True)  # type: ignore[arg-type]
        assert found.harness_error is None
        return set(found.broken)

    for law in ("a_stale_writer_never_wins", "the_history_is_linearizable"):
        assert set() == broken(Invoices, law, 30)
        assert {law} == broken(Forgetful, law, 3000)


def test_what_was_not_asked_is_named_with_its_reason(tmp_path: Path) -> None:
    """From the command line, as MODULE:FACTORY; whatever it can be asked holds."""
    record = tmp_path / "r.json"
    subject = "properties.tests.foreign:ForeignSubject"
    done = _run("--profile", "gate", "--subject", subject, "--record", str(record))
    records = json.loads(record.read_text())["laws"]
    told = {law["law"]: (law["verdict"], law["reason"]) for law in records}
    assert {"pass", "not asked"} == {verdict for verdict, _ in told.values()}, done.stdout
    held = {name for name, (verdict, _) in told.items() if verdict == "pass"}
    assert {
        "an_acknowledged_transition_survives_a_power_loss",
        "the_history_is_linearizable",
    } < held
    expected = ("not asked", f"{subject} does not offer an event log")
    assert expected == told["the_event_log_tells_the_truth"], done.stdout
    callbacks = "callbacks around the commit"
    in_part = ("pass", f"asked in part: {subject} does not offer guards; {callbacks}")
    assert in_part == told["nothing_outlives_its_owner"], done.stdout
    assert 0 == done.returncode
    assert " not asked; " in done.stdout.splitlines()[-1]
    (line,) = [line for line in done.stdout.splitlines() if "offer an event log: " in line]
    assert line.startswith(f"  not asked {subject} does not")
    assert "the_event_log_tells_the_truth" in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("slips:Nope", "slips has no factory 'Nope'; it has Mine, broken"),
        ("slips:Mine", "slips:Mine cannot be made: TypeError"),
        ("slips:nothing", "slips has no factory 'nothing'"),
        (
            "slips:broken",
            "slips:broken makes a NoneType, which has no name, offers, layout",
        ),
        ("misspelt:X", "misspelt cannot be imported: SyntaxError"),
        ("lacking:X", "lacking cannot be imported: ModuleNotFoundError"),
        ("nowhere:X", "nowhere cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_makes_no_subject_is_told_before_it_is_asked(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the module has instead."""
    slips = "class Mine: pass\nnothing = None\ndef broken(*, tries): pass\n"
    for module, text in (("slips", slips), ("misspelt", "def ("), ("lacking", "import nosuch_")):
        (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NotASubjectError, match=f"^{re.escape(said)}"):
        require_subject(name)
    CORE_SUBJECTS.pop(name, None)
    sys.modules.pop("slips", None)


def test_a_factory_that_is_not_there_is_usage(tmp_path: Path) -> None:
    """From the command line, where pytest has begun by then."""
    subject = ("--subject", "properties.tests.foreign:Nope")
    done = _run("--profile", "gate", *subject, "--record", str(tmp_path / "r.json"))
    assert (2, "properties: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert "has no factory 'Nope'; it has ForeignSubject, ForeignBroken." in done.stderr


def test_a_law_that_nobody_can_be_asked_is_no_pass() -> None:
    """What a subject does not offer is no doubt beside laws that were judged, and one alone."""
    lacking = msgspec.structs.replace(
        _law("a", "x", LawVerdict.NOT_ASKED), reason="x does not offer guards"
    )
    assert Verdict.UNKNOWN is verdict_on([lacking], None, {}, ["a"])
    assert Verdict.PASS is verdict_on([lacking, _law("b", "x")], None, {})


def test_a_foreign_subject_that_is_not_there_is_usage() -> None:
    """The module is looked for before anything is asked."""
    done = _run("--subject", "no.such:thing")
    assert 2 == done.returncode
    assert "no module 'no.such'" in done.stderr
