"""The transaction: where it begins and ends, what is in it, and what is done when it fails."""

from __future__ import annotations

from fsmcore.connections import work
from fsmcore.connections.file import StoreFile
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.TRANSACTION,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="isolation_level=None is taken for 'sqlite3 begins for me', as it does without it",
    shows="one attempt whose INSERT fails behind its UPDATE",
)
def every_statement_commits_by_itself(patch: Patch) -> None:
    """There is no transaction: the row moves, and the journal follows in a commit of its own."""
    patch.source(work.Transaction, "run", ("cursor.execute(BEGIN)", "pass"))
    patch.source(work, "commit", ("cursor.execute(COMMIT)", "pass"))


@mutant(
    family=Family.TRANSACTION,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="the journal is 'only an audit trail', so it does not have to hold the write lock",
    shows="one attempt that fails between its two commits",
)
def the_journal_has_a_transaction_of_its_own(patch: Patch) -> None:
    """The row is committed first, and its journal entry in a second transaction."""
    patch.source(
        work.Transaction,
        "write",
        (
            "for index, write in enumerate(self.writes):\n",
            """for index, write in enumerate(self.writes):
        if write.sql.lstrip().startswith("INSERT INTO") and index == 1:
            cursor.execute(COMMIT)
            cursor.execute(BEGIN)
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
        work.Transaction,
        "write",
        (
            "for index, write in enumerate(self.writes):\n",
            """writes = self.writes
    if len(writes) == 2:
        journal = writes[1]
        cursor.execute(journal.sql, journal.parameters)
        cursor.execute(COMMIT)
        cursor.execute(BEGIN)
        writes = writes[:1]
    for index, write in enumerate(writes):
""",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="'whatever happens, end the transaction' in a finally block, and COMMIT ends it",
    shows="one attempt whose INSERT fails behind its UPDATE",
)
def the_commit_stands_in_a_finally(patch: Patch) -> None:
    """Half a transition is committed when the other half fails."""
    patch.source(
        work.Transaction,
        "run",
        ("roll_back(native)\n        raise", "native.commit()\n        raise"),
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
        work,
        "roll_back",
        ("native.rollback()", "native.execute(ROLLBACK)"),
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
    patch.source(work.Transaction, "run", ("cursor.execute(BEGIN)", "pass"))
    patch.source(work, "commit", ("cursor.execute(COMMIT)", "pass"))


@mutant(
    family=Family.TRANSACTION,
    laws=("an_unknown_outcome_says_unknown", "no_single_fault_breaks_a_promise"),
    realistic="an error at the end is logged, as one that has come too late to matter",
    shows="one COMMIT that fails, or is denied",
)
def what_the_commit_answers_goes_nowhere(patch: Patch) -> None:
    """Success is told whatever comes of COMMIT."""
    patch.source(
        work,
        "commit",
        (
            "cursor.execute(COMMIT)",
            """try:
            cursor.execute(COMMIT)
        except sqlite3.Error as error:
            _log.warning("commit failed: %s", describe(error))""",
        ),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="executescript() takes several statements at once; that it commits first is in the "
    "small print",
    shows="one attempt whose journal entry is refused",
)
def executescript_commits_what_was_open(patch: Patch) -> None:
    """A harmless script between the two writes ends their transaction and begins another."""
    patch.source(
        work.Transaction,
        "write",
        (
            "raise RowCountError(index, row_count)\n",
            """raise RowCountError(index, row_count)
        if index == 0 and len(self.writes) > 1:
            cursor.executescript("PRAGMA optimize; BEGIN IMMEDIATE")
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
    patch.source(work.ExclusiveReading, "run", ("native.execute(BEGIN)", 'native.execute("BEGIN")'))
