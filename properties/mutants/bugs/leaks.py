"""Cancellation and what is left behind: connections, tasks, and who was told what."""

from __future__ import annotations

from fsmcore import attempt, cancellation, store
from fsmcore.adapters import statemachine
from fsmcore.connections import lending, per_transition, seat
from fsmcore.connections.file import StoreFile
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

LEFT = "nothing_outlives_its_owner"


@mutant(
    family=Family.LEAKS,
    laws=("a_cancellation_reaches_its_caller",),
    realistic="the cleanup is protected from the cancellation so well that it is lost",
    shows="one attempt, cancelled while it closes its connection",
)
def a_cancellation_is_swallowed_while_finishing(patch: Patch) -> None:
    """Who is cancelled during a cleanup goes on as if nothing had been."""
    patch.source(
        cancellation,
        "finish",
        ("if cancelled is None:", "if True:"),
    )


@mutant(
    family=Family.LEAKS,
    laws=("a_cancellation_reaches_its_caller",),
    realistic="retry on everything that may come of a wait, CancelledError included",
    shows="one attempt, cancelled in the sleep between two tries",
)
def a_cancelled_sleep_is_a_short_sleep(patch: Patch) -> None:
    """A cancellation in a backoff only makes the next try come sooner."""
    from fsmcore import retry

    patch.source(
        retry.RetryPolicy,
        "wait",
        (
            "await self.sleep(wait_ms / 1000)",
            """import contextlib
    with contextlib.suppress(asyncio.CancelledError):
        await self.sleep(wait_ms / 1000)""",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=(LEFT,),
    realistic="open, work, close: without a try",
    shows="one attempt that fails inside its connection",
)
def a_connection_is_left_open_on_error(patch: Patch) -> None:
    """Closed on the good path alone."""
    patch.source(
        seat,
        "run_afresh",
        (
            """try:
        return work.run(native)
    finally:
        close(native)""",
            """answer = work.run(native)
    close(native)
    return answer""",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="an await is an await; that its thread goes on is another library's affair",
    shows="one attempt, cancelled while its transaction is on the way",
)
def a_cancelled_caller_leaves_its_transaction(patch: Patch) -> None:
    """The transaction commits after its caller has gone, or while the next one begins."""
    patch.source(
        per_transition._Keeper,
        "write",
        (
            "await finish(_Errand(self.file, work).done(), on_cancel=work.withdraw)",
            "await _Errand(self.file, work).done()",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="connect, then prepare: and what if preparing fails?",
    shows="a PRAGMA that fails on a new connection",
)
def a_connection_is_left_when_a_pragma_fails(patch: Patch) -> None:
    """The error is raised, and the connection stays."""
    patch.source(StoreFile, "connect", ("native.close()", "pass"))


@mutant(
    family=Family.LEAKS,
    laws=(LEFT,),
    realistic="'closing takes a while, and nobody has to wait for it'",
    shows="a store that is closed, and a look at once after it",
)
def a_close_is_not_waited_for(patch: Patch) -> None:
    """The connection is closed by a task that nobody knows."""
    patch.source(
        lending.Lent,
        "dismiss",
        ("await finish(self.end())", "import asyncio\n        asyncio.ensure_future(self.end())"),
    )


@mutant(
    family=Family.LEAKS,
    laws=("who_was_cut_off_can_know",),
    realistic="`asyncio.shield`, which protects the work and not the order of things",
    shows="one attempt, cancelled while its transaction is on the way",
)
def a_cleanup_is_only_shielded(patch: Patch) -> None:
    """Who is cancelled during a cleanup leaves at once, and the cleanup runs on alone."""
    patch.source(
        cancellation,
        "finish",
        (
            "cancelled: asyncio.CancelledError | None = None",
            "return await asyncio.shield(task)",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=(LEFT,),
    realistic="the library runs it in a task of its own, and a task can look after itself",
    shows="one attempt, cancelled while its guard waits",
    subject="statemachine",
)
def a_guard_outlives_its_attempt(patch: Patch) -> None:
    """The guard's task is not ended with its sender."""
    patch.source(
        statemachine.StateMachineAdapter,
        "_end_guard",
        ("asking.cancel()", "return"),
    )


@mutant(
    family=Family.LEAKS,
    laws=("what_has_ended_is_forgotten", "two_hundred_transitions_leave_nothing"),
    realistic="a registry of what runs, tidied up at the end of the good path",
    shows="one attempt whose callback raises",
)
def a_failed_callback_stays_registered(patch: Patch) -> None:
    """Each callback that raises leaves its task in a dictionary."""
    patch.source(
        attempt.Attempt,
        "calling",
        (
            """try:
        yield
    finally:
        del calling[task]
        if outer is not None:
            calling[task] = outer""",
            """yield
    del calling[task]
    if outer is not None:
        calling[task] = outer""",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=("what_has_ended_is_forgotten",),
    realistic="an id is kept so that it is not used again, though the journal sees to that",
    shows="two hundred attempts",
)
def every_attempt_is_remembered(patch: Patch) -> None:
    """Memory grows by each attempt there ever was."""
    patch.source(
        store.Store,
        "_end",
        (
            "del self._in_flight[attempt.attempt_id]",
            "vars(self).setdefault('_ended', []).append(self._in_flight.pop(attempt.attempt_id))",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=("one_winner_per_version", "no_schedule_breaks_the_core"),
    realistic="connections are dear, and there is one already",
    shows="two attempts, one switch between BEGIN and COMMIT",
)
def one_connection_serves_all_tasks(patch: Patch) -> None:
    """Two tasks begin in one transaction, and one commits what the other has not finished."""
    patch.source(
        per_transition._Keeper,
        "write",
        (
            "async with self._writer_lock or _NO_LOCK:",
            """if hasattr(work, "writes"):
        from fsmcore.connections.model import CommitFate, RowCountError
        try:
            with translated(self.file.name):
                await self._connection.execute("BEGIN IMMEDIATE")
                for index, write in enumerate(work.writes):
                    cursor = await self._connection.execute(write.sql, write.parameters)
                    if cursor.rowcount != write.row_count:
                        raise RowCountError(index, cursor.rowcount)
                work.receipt.fate = CommitFate.SENT
                await self._connection.execute("COMMIT")
        except BaseException:
            await finish(self._connection.rollback())
            raise
        work.receipt.fate = CommitFate.COMMITTED
        return None
    async with self._writer_lock or _NO_LOCK:""",
        ),
    )
