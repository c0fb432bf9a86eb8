"""The transaction: where it begins and ends, what is in it, and what is done when it fails."""

from __future__ import annotations

from fsmcore.connections import per_transition
from fsmcore.connections.file import StoreFile
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.TRANSACTION,
    laws=("cancellation_anywhere_leaves_nothing_behind", "no_single_fault_breaks_a_promise"),
    realistic="isolation_level=None is taken for 'sqlite3 begins for me', as it does without it",
    shows="one attempt, cancelled between its UPDATE and its INSERT",
)
def every_statement_commits_by_itself(patch: Patch) -> None:
    """There is no transaction: the row moves, and the journal follows in a commit of its own."""
    patch.source(
        per_transition._AioSession,
        "_send",
        ('await self._connection.execute("BEGIN IMMEDIATE")', "pass"),
        ('await self._connection.execute("COMMIT")', "pass"),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("cancellation_anywhere_leaves_nothing_behind", "no_single_fault_breaks_a_promise"),
    realistic="the journal is 'only an audit trail', so it does not have to hold the write lock",
    shows="one attempt, cancelled or failing between its two commits",
)
def the_journal_has_a_transaction_of_its_own(patch: Patch) -> None:
    """The row is committed first, and its journal entry in a second transaction."""
    patch.source(
        per_transition._AioSession,
        "_send",
        (
            "for index, write in enumerate(writes):\n",
            """for index, write in enumerate(writes):
            if write.sql.lstrip().startswith("INSERT INTO") and index == 1:
                await self._connection.execute("COMMIT")
                await self._connection.execute("BEGIN IMMEDIATE")
""",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("one_winner_per_version",),
    realistic="'write the intent first': the journal as a log of what is about to be done",
    shows="two attempts on one file: the late one has its entry, and moves no row",
)
def the_journal_is_committed_before_the_row(patch: Patch) -> None:
    """The entry is there when the row turns out to have moved, and stays."""
    patch.source(
        per_transition._AioSession,
        "_send",
        (
            "for index, write in enumerate(writes):\n",
            """if len(writes) == 2:
            journal = writes[1]
            await self._connection.execute(journal.sql, journal.parameters)
            await self._connection.execute("COMMIT")
            await self._connection.execute("BEGIN IMMEDIATE")
            writes = writes[:1]
        for index, write in enumerate(writes):
""",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("cancellation_anywhere_leaves_nothing_behind", "no_single_fault_breaks_a_promise"),
    realistic="'whatever happens, end the transaction' in a finally block, and COMMIT ends it",
    shows="one attempt, cancelled between its UPDATE and its INSERT",
)
def the_commit_stands_in_a_finally(patch: Patch) -> None:
    """Half a transition is committed when the other half fails or its caller is cancelled."""
    patch.source(
        per_transition._AioSession,
        "_undone_on_error",
        (
            "await finish(_roll_back(self._connection))",
            "await finish(self._connection.commit())",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("one_winner_per_version", "no_single_fault_breaks_a_promise"),
    realistic="ROLLBACK by hand in the handler, as in every SQL tutorial",
    shows="a BEGIN that meets another writer's lock: there is nothing to roll back",
)
def the_rollback_masks_its_cause(patch: Patch) -> None:
    """ROLLBACK without a transaction raises, and the caller is told of that instead."""
    patch.source(
        per_transition,
        "_roll_back",
        ("await connection.rollback()", 'await connection.execute("ROLLBACK")'),
        (
            "except RAISED as error:",
            "except MemoryError as error:",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("an_acknowledged_transition_stays", "one_winner_per_version"),
    realistic="sqlite3's own isolation levels, where forgetting commit() raises nothing",
    shows="one attempt; its row is back when its connection has closed",
)
def the_default_isolation_is_never_committed(patch: Patch) -> None:
    """The module begins by itself, nobody commits, and the close rolls everything back."""
    patch.source(
        StoreFile,
        "connect_options",
        ('"isolation_level": None,', '"isolation_level": "IMMEDIATE",'),
    )
    patch.source(
        per_transition._AioSession,
        "_send",
        ('await self._connection.execute("BEGIN IMMEDIATE")', "pass"),
        ('await self._connection.execute("COMMIT")', "pass"),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("an_unknown_outcome_says_unknown", "no_single_fault_breaks_a_promise"),
    realistic="a latency win: the worker executes in order anyway, so why wait for COMMIT's answer",
    shows="one COMMIT that fails, or is denied",
)
def nobody_waits_for_the_commit(patch: Patch) -> None:
    """Success is told while COMMIT is on its way; what it answers goes nowhere."""
    patch.source(
        per_transition._AioSession,
        "_send",
        (
            'await self._connection.execute("COMMIT")',
            """async def on_its_way() -> None:
            with contextlib.suppress(sqlite3.Error):
                await self._connection.execute("COMMIT")

        await finish(asyncio.wait((asyncio.ensure_future(on_its_way()),), timeout=0))""",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("cancellation_anywhere_leaves_nothing_behind",),
    realistic="executescript() takes several statements at once; that it commits first is in the "
    "small print",
    shows="one attempt whose journal entry is refused, or which is cancelled before it",
)
def executescript_commits_what_was_open(patch: Patch) -> None:
    """A harmless script between the two writes ends their transaction and begins another."""
    patch.source(
        per_transition._AioSession,
        "_send",
        (
            "raise RowCountError(index, cursor.rowcount)\n",
            """raise RowCountError(index, cursor.rowcount)
            if index == 0 and len(writes) > 1:
                await self._connection.executescript("PRAGMA optimize; BEGIN IMMEDIATE")
""",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("an_outcome_that_was_told_stays",),
    realistic="a read needs no write lock, does it?",
    shows="another process between its writes and its COMMIT, asked for its outcome",
)
def an_outcome_is_read_without_the_write_lock(patch: Patch) -> None:
    """A COMMIT that is on its way in another process is not waited for."""
    patch.source(
        per_transition._AioSession,
        "_fetch_exclusively",
        ('"BEGIN IMMEDIATE"', '"BEGIN"'),
    )
