"""The locks of this process: who gets them next, who gives them back, and what is left of them."""

from __future__ import annotations

from fsmcore import locks
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

LEFT = "nothing_outlives_its_owner"
CANCELLED = "cancellation_anywhere_leaves_nothing_behind"
TURN = "whoever_waits_gets_its_turn"


@mutant(
    family=Family.LOCKS,
    laws=(TURN, CANCELLED),
    realistic="acquire, work, release: without a try",
    shows="two attempts on one file, the first of which fails or is cancelled",
    subject="handrolled",
)
def a_lock_is_kept_on_error(patch: Patch) -> None:
    """Released on the good path alone."""
    patch.source(
        locks.FileLockManager,
        "holding",
        (
            "async with entry.lock:\n            yield",
            "await entry.lock.acquire()\n        yield\n        entry.lock.release()",
        ),
    )


@mutant(
    family=Family.LOCKS,
    laws=(LEFT, "two_hundred_transitions_leave_nothing"),
    realistic="`defaultdict(asyncio.Lock)`",
    shows="one attempt on any file",
    subject="handrolled",
)
def the_table_of_locks_grows(patch: Patch) -> None:
    """A lock for each file that there ever was."""
    patch.source(
        locks.FileLockManager,
        "holding",
        ("if not entry.user_count:", "if False:"),
    )


@mutant(
    family=Family.LOCKS,
    laws=(LEFT,),
    realistic="users are counted down where the lock is released, which a waiter never comes to",
    shows="two attempts on one file, the second of which is cancelled while it waits",
    subject="handrolled",
)
def a_cancelled_waiter_is_counted_for_ever(patch: Patch) -> None:
    """The table grows by each file on which a waiter was cancelled, and by no other."""
    patch.source(
        locks.FileLockManager,
        "holding",
        (
            """try:
        async with entry.lock:
            yield
    finally:
        entry.user_count -= 1
        if not entry.user_count:
            del self._entries[key]""",
            """async with entry.lock:
        try:
            yield
        finally:
            entry.user_count -= 1
            if not entry.user_count:
                del self._entries[key]""",
        ),
    )


_WHOLE = """try:
        async with entry.lock:
            yield
    finally:
        entry.user_count -= 1
        if not entry.user_count:
            del self._entries[key]"""

_BY_HAND = """waiters = vars(entry.lock).setdefault("_queue", [])
    while entry.lock.__dict__.get("_taken"):
        turn = asyncio.get_running_loop().create_future()
        waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            entry.user_count -= 1
            raise
    entry.lock.__dict__["_taken"] = True
    try:
        try:
            yield
        finally:
            entry.lock.__dict__["_taken"] = False
            {wake}
    finally:
        entry.user_count -= 1
        if not entry.user_count:
            del self._entries[key]"""


def _lock_by_hand(patch: Patch, wake: str) -> None:
    patch.source(locks.FileLockManager, "holding", (_WHOLE, _BY_HAND.format(wake=wake)))


@mutant(
    family=Family.LOCKS,
    laws=(TURN,),
    realistic="a lock with a queue of futures, as asyncio's own was until 3.7 (bpo-27585)",
    shows="three attempts on one file; the second is cancelled when it has been woken",
    subject="handrolled",
)
def a_woken_waiter_that_is_cancelled_wakes_nobody(patch: Patch) -> None:
    """The turn is lost with whoever had it, and the next one waits for ever."""
    _lock_by_hand(
        patch,
        """while waiters:
                turn = waiters.pop(0)
                if not turn.done():
                    turn.set_result(None)
                    break""",
    )


@mutant(
    family=Family.LOCKS,
    laws=(TURN,),
    realistic="wake the first in the queue, whoever that is",
    shows="three attempts on one file; the second is cancelled while it waits",
    subject="handrolled",
)
def a_cancelled_waiter_is_woken_instead(patch: Patch) -> None:
    """The first in the queue has gone, and takes the turn with it."""
    _lock_by_hand(
        patch,
        """if waiters:
                turn = waiters.pop(0)
                if not turn.done():
                    turn.set_result(None)""",
    )


@mutant(
    family=Family.LOCKS,
    laws=("different_files_do_not_disturb_each_other",),
    realistic="one lock is simpler, and 'there is only one writer anyway'",
    shows="an attempt whose guard waits for the end of one on another file",
    subject="handrolled",
)
def one_lock_serves_all_files(patch: Patch) -> None:
    """An attempt on one file waits for another one on another file."""
    patch.source(
        locks.FileLockManager,
        "holding",
        ("entry = self._entries", "key = 'all'\n    entry = self._entries"),
    )
