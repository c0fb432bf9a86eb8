"""A change of the core whose target is gone, or of another shape, is an error and no mutant."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fsmcore import FsmCoreError, locks, schema, store, transitions
from fsmcore.retry import RetryPolicy
from properties.mutants.patch import Patch, PatchError


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.source(RetryPolicy, "walk", ("a", "b")),
        lambda patch: patch.source(RetryPolicy, "run", ("a line that is not there", "")),
        lambda patch: patch.source(RetryPolicy, "run", ("raise", "pass")),
        lambda patch: patch.source(schema, "COMPARE_AND_SET", ("WHERE", "OR")),
        lambda patch: patch.source(locks.NoFileLocks, "__len__", ("a", "b")),
        lambda patch: patch.text(schema, "COMPARE_AND_SWAP", "WHERE", "OR"),
        lambda patch: patch.text(schema, "COMPARE_AND_SET", "AND", "OR"),
        lambda patch: patch.text(store, "Store", "a", "b"),
        lambda patch: patch.value(schema, "ADOPTED_EVENT", "(taken in)", "x"),
        lambda patch: patch.default(RetryPolicy, "wait", "tries", 1, 2),
        lambda patch: patch.default(RetryPolicy, "run", "is_final", None, bool),
    ],
)
def test_a_target_that_is_gone(change: Callable[[Patch], None]) -> None:
    """Whatever the kind of change, and nothing is left changed."""
    before = dict(vars(RetryPolicy)), dict(vars(schema)), dict(vars(store))
    patch = Patch("a slip")
    with pytest.raises(PatchError):
        change(patch)
    patch.undo()
    assert before == (dict(vars(RetryPolicy)), dict(vars(schema)), dict(vars(store)))


def test_a_replacement_of_another_shape() -> None:
    """Other parameters, or not async where the original is."""
    patch = Patch("a slip")

    async def other(original: Any, self: RetryPolicy, error: Exception) -> None:
        """One parameter less."""

    def sync(original: Any, self: RetryPolicy, error: Exception, tries: int) -> None:
        """Not async."""

    for replacement in (other, sync):
        with pytest.raises(PatchError, match="the replacement"):
            patch.around(RetryPolicy, "wait")(replacement)


def test_a_hunk_changes_the_function_and_comes_back() -> None:
    """The recompiled function runs in its module's names, and its traceback shows its lines."""
    patch = Patch("one more")
    original = RetryPolicy.longest_wait_ms
    patch.source(RetryPolicy, "longest_wait_ms", ("tries - 1", "tries + no_such_name"))
    with pytest.raises(NameError) as raised:
        RetryPolicy().longest_wait_ms(1)
    assert "tries + no_such_name" in str(raised.traceback[-1].statement)
    patch.undo()
    assert RetryPolicy.longest_wait_ms is original


def test_a_function_is_changed_wherever_it_was_imported() -> None:
    """``from x import f`` binds a name of its own; it is changed too, and comes back."""
    patch = Patch("no time")
    original = store.utc_now
    patch.source(store, "utc_now", ("datetime.now(UTC)", "datetime.min"))
    assert vars(transitions)["utc_now"] is store.utc_now is not original
    patch.undo()
    assert vars(transitions)["utc_now"] is store.utc_now is original


def test_around_takes_the_original() -> None:
    """It may call it, once or twice."""
    patch = Patch("twice")
    calls = []

    async def sleep(seconds: float) -> None:
        calls.append(seconds)

    @patch.around(RetryPolicy, "wait")
    async def wait(original: Any, self: RetryPolicy, error: Exception, tries: int) -> None:
        await original(self, error, tries)
        await original(self, error, tries)

    policy = RetryPolicy(sleep=sleep, jitter=lambda _low, high: high)
    try:
        asyncio.run(policy.wait(FsmCoreError("x"), 1))
    finally:
        patch.undo()
    assert [0.002, 0.002] == calls
