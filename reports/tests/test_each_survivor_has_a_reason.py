"""A changed line that nobody notices passes only for a reason in writing, which may go stale."""

import json
from pathlib import Path

import pytest

from reports import operators
from reports.operators import Fate, Survivor, change_of, chosen, function_of, judge, module_of
from reports.schema import Verdict
from reports.session import ROOT, UsageError

METHOD = "fsmcore.retry.xǁRetryPolicyǁwait__mutmut_3"
SHOWN = """\
# fsmcore.retry.xǁRetryPolicyǁwait__mutmut_3: survived
--- fsmcore/retry.py
+++ fsmcore/retry.py
@@ -1,3 +1,3 @@
     async def wait(self, tries):
-        await self.sleep(wait_ms / 1000)
+        await self.sleep(wait_ms / 1001)
"""
CHANGE = (
    "fsmcore.retry: RetryPolicy.wait",
    "await self.sleep(wait_ms / 1000)",
    "await self.sleep(wait_ms / 1001)",
)
REASON = Survivor(function=CHANGE[0], was=CHANGE[1], became=CHANGE[2], why="as planted")


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        (METHOD, "fsmcore.retry: RetryPolicy.wait"),
        ("fsmcore.connections.lane.xǁ_LaneǁRun__mutmut_12", "fsmcore.connections.lane: _Lane.Run"),
        ("fsmcore.store.x__private__mutmut_1", "fsmcore.store: _private"),
        ("fsmcore.text.x_shown__mutmut_1", "fsmcore.text: shown"),
    ],
)
def test_a_function_has_its_own_name(mutant: str, function: str) -> None:
    """Of a method, of a class that begins with an underline, of a private function."""
    assert function == function_of(mutant)


def test_a_change_is_its_line_before_and_after() -> None:
    """Without indentation, and without what mutmut says around it."""
    assert CHANGE == change_of(METHOD, SHOWN)


@pytest.mark.parametrize("given", ["fsmcore/retry.py", "fsmcore.retry", "retry", "retry.py"])
def test_a_module_may_be_written_as_one_likes(given: str) -> None:
    """As a file, as a module, by its name."""
    assert "fsmcore.retry" == module_of(given)


def test_only_what_is_chosen_is_asked() -> None:
    """Of a module, and a sample by its seed."""
    names = [METHOD, "fsmcore.text.x_a__mutmut_1", "fsmcore.text.x_a__mutmut_2"]
    assert [METHOD] == chosen(names, ["retry"], None, 1)
    assert 2 == len(chosen(names, [], 1, 1))
    with pytest.raises(UsageError, match="no mutant is in"):
        chosen(names, ["locks"], None, 1)


def test_a_survivor_without_a_reason_fails() -> None:
    """And with one it passes."""
    asked, changes = {METHOD: Fate.SURVIVED}, {METHOD: CHANGE}
    without = judge(asked, changes, {}, is_sample=False)
    assert (Verdict.FAIL, [METHOD]) == (without.verdict, without.without_reason)
    with_one = judge(asked, changes, {CHANGE: REASON}, is_sample=False)
    assert (Verdict.PASS, [], []) == (with_one.verdict, with_one.without_reason, with_one.stale)


@pytest.mark.parametrize("fate", [Fate.NOT_ASKED, Fate.UNSURE])
def test_what_was_not_decided_is_unknown(fate: Fate) -> None:
    """Nor is it a pass when nobody was asked."""
    assert Verdict.UNKNOWN is judge({METHOD: fate}, {}, {}, is_sample=False).verdict
    assert Verdict.UNKNOWN is judge({}, {}, {}, is_sample=False).verdict


def test_a_reason_for_nobody_is_stale() -> None:
    """But only when its whole module was asked: else the survivor may be among the others."""
    asked = {METHOD: Fate.KILLED}
    assert [REASON] == judge(asked, {}, {CHANGE: REASON}, is_sample=False).stale
    assert [] == judge(asked, {}, {CHANGE: REASON}, is_sample=True).stale
    undecided = asked | {METHOD.replace("_3", "_4"): Fate.NOT_ASKED}
    assert [] == judge(undecided, {}, {CHANGE: REASON}, is_sample=False).stale


def test_what_mutmut_remembers_is_read(tmp_path: Path) -> None:
    """Exit codes that nobody knows are neither killed nor alive."""
    codes = {"a": 1, "b": 0, "c": 33, "d": 36, "e": None, "f": -11}
    (tmp_path / "x.py.meta").write_text(json.dumps({"exit_code_by_key": codes, "more": 1}))
    assert {
        "a": Fate.KILLED,
        "b": Fate.SURVIVED,
        "c": Fate.UNREACHED,
        "d": Fate.TIMEOUT,
        "e": Fate.NOT_ASKED,
        "f": Fate.UNSURE,
    } == operators.fates(tmp_path)


def test_each_reason_is_about_lines_that_are_there() -> None:
    """The committed ones: a line that is rewritten takes its reason along."""
    for function, was, became in operators.triage():
        module = function.partition(":")[0]
        text = Path(ROOT, module.replace(".", "/") + ".py").read_text("utf-8")
        lines = " ".join(line.strip() for line in text.splitlines())
        assert was in lines, f"{function} has no line {was!r} any more"
        assert was != became


@pytest.mark.parametrize(
    ("exit_code", "told", "has"),
    [
        (1, f"AssertionError: ... but {operators.MADE}", True),
        (1, "ImportError: no such test", False),
        (0, "", False),
        (-1, f"... {operators.MADE}", False),
    ],
)
def test_the_mutants_are_made_when_none_was_left_to_ask(
    exit_code: int, told: str, has: bool
) -> None:
    """mutmut knows no way to make them all and ask none but a pattern that none fits."""
    assert has is operators.has_made(exit_code, told)
