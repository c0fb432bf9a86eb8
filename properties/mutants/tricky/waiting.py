"""Other waits and other locks, that keep what ours keep."""

from __future__ import annotations

from fsmcore import locks, retry
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, tricky


@tricky(
    family=Family.RETRY,
    realistic="'equal jitter': at least half of the time",
    shows="the other half is drawn, so nobody comes back together",
)
def half_of_each_wait_is_drawn(patch: Patch) -> None:
    """A wait is drawn from the upper half of its range."""
    patch.source(
        retry.RetryPolicy,
        "wait",
        (
            "wait_ms = self.jitter(0.0, self.longest_wait_ms(tries))",
            """longest_ms = self.longest_wait_ms(tries)
    wait_ms = self.jitter(longest_ms / 2, longest_ms)""",
        ),
    )


@tricky(
    family=Family.RETRY,
    realistic="a gentler growth",
    shows="the ranges grow all the same",
)
def waits_grow_by_a_half(patch: Patch) -> None:
    """The base of the exponent is one and a half."""
    patch.source(
        retry.RetryPolicy,
        "longest_wait_ms",
        ("2.0 ** min(tries - 1, 64)", "1.5 ** min(tries - 1, 64)"),
    )


@tricky(
    family=Family.LOCKS,
    realistic="two locks, for two reasons",
    shows="everybody takes them in the same order, so nobody waits in a circle",
    subject="handrolled",
)
def each_file_has_two_locks(patch: Patch) -> None:
    """The second lock of a file is taken inside the first."""
    patch.source(
        locks.FileLockManager,
        "holding",
        (
            "async with entry.lock:",
            "async with entry.lock, vars(entry.lock).setdefault('_second', asyncio.Lock()):",
        ),
    )


@tricky(
    family=Family.LOCKS,
    realistic="`pop` when the work is done",
    shows="two may then hold a lock of one file; the version check is the arbiter, with or without",
    subject="handrolled",
)
def a_lock_is_forgotten_while_others_wait(patch: Patch) -> None:
    """Whoever is done drops the entry, and the next one to come makes a new one."""
    patch.source(
        locks.FileLockManager,
        "holding",
        (
            "if not entry.user_count:\n            del self._entries[key]",
            "self._entries.pop(key, None)",
        ),
    )
