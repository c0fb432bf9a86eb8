"""Transactions that look wrong: other words for BEGIN and COMMIT, more calls, another order."""

from __future__ import annotations

from fsmcore.connections import per_transition, work
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, tricky

RUN = (work.Transaction, "run")


@tricky(
    family=Family.TRANSACTION,
    realistic="'exclusive' sounds safer",
    shows="in WAL mode EXCLUSIVE takes the same lock as IMMEDIATE, and keeps no reader out",
)
def a_transaction_begins_exclusively(patch: Patch) -> None:
    """BEGIN EXCLUSIVE in place of BEGIN IMMEDIATE."""
    patch.source(*RUN, ("cursor.execute(BEGIN)", 'cursor.execute("BEGIN EXCLUSIVE")'))


@tricky(
    family=Family.TRANSACTION,
    realistic="the default of BEGIN, where nothing was read before the write",
    shows="the UPDATE comes first and takes the write lock, so there is no snapshot to grow old",
)
def a_transaction_begins_with_its_write(patch: Patch) -> None:
    """BEGIN DEFERRED, and the first statement is the compare-and-set."""
    patch.source(*RUN, ("cursor.execute(BEGIN)", 'cursor.execute("BEGIN")'))


@tricky(
    family=Family.TRANSACTION,
    realistic="a library that nests transactions speaks of savepoints alone",
    shows="the outermost SAVEPOINT is a BEGIN, and its RELEASE a COMMIT",
)
def a_savepoint_is_the_transaction(patch: Patch) -> None:
    """SAVEPOINT and RELEASE in place of BEGIN and COMMIT."""
    patch.source(*RUN, ("cursor.execute(BEGIN)", 'cursor.execute("SAVEPOINT move")'))
    patch.source(work, "commit", ("cursor.execute(COMMIT)", 'cursor.execute("RELEASE move")'))


@tricky(
    family=Family.TRANSACTION,
    realistic="a look at what is there, under the lock",
    shows="whoever holds the write lock may read as much as it likes",
)
def something_is_read_inside_the_transaction(patch: Patch) -> None:
    """A SELECT between BEGIN and the UPDATE."""
    patch.source(
        work.Transaction,
        "write",
        (
            "for index, write in enumerate(self.writes):",
            """cursor.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    for index, write in enumerate(self.writes):""",
        ),
    )


@tricky(
    family=Family.TRANSACTION,
    realistic="'was it really written?'",
    shows="the answer is given whatever comes of the read, for the commit has been heard of",
)
def something_is_read_after_the_commit(patch: Patch) -> None:
    """A SELECT behind COMMIT, whose failure is nobody's."""
    patch.source(
        work,
        "commit",
        (
            "receipt.fate = CommitFate.COMMITTED",
            """receipt.fate = CommitFate.COMMITTED
    try:
        cursor.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except (sqlite3.Error, MemoryError):
        pass""",
        ),
    )


@tricky(
    family=Family.TRANSACTION,
    realistic="with a rollback journal a reader keeps COMMIT out for a moment",
    shows="a COMMIT that was busy has kept its transaction, and may be sent again as it is",
)
def a_busy_commit_is_sent_again(patch: Patch) -> None:
    """BUSY at COMMIT is met by the same COMMIT, twice, before the whole is undone."""
    patch.source(
        work,
        "commit",
        (
            "cursor.execute(COMMIT)",
            """for again in (True, True, False):
            try:
                cursor.execute(COMMIT)
                break
            except sqlite3.OperationalError as error:
                if not again or primary_code(error) != sqlite3.SQLITE_BUSY:
                    raise""",
        ),
    )


@tricky(
    family=Family.TRANSACTION,
    realistic="`connection.commit()`, as the manual has it",
    shows="it sends COMMIT, because there is a transaction",
)
def the_commit_is_a_method(patch: Patch) -> None:
    """The library's own commit in place of the statement."""
    patch.source(work, "commit", ("cursor.execute(COMMIT)", "cursor.connection.commit()"))


@tricky(
    family=Family.TRANSACTION,
    realistic="'the close rolls back, so why here too'",
    shows="the connection is closed at once, and its close undoes what was not committed",
)
def the_rollback_is_left_to_the_close(patch: Patch) -> None:
    """A failed transaction is not rolled back before its connection is closed."""
    patch.source(*RUN, ("roll_back(native)\n        raise", "raise"))


@tricky(
    family=Family.TRANSACTION,
    realistic="nothing may be cut in half, so nothing can be cut off",
    shows="the cancellation comes through when the transaction has ended, and the record says how",
)
def a_cancelled_transaction_runs_to_its_end(patch: Patch) -> None:
    """Who is cancelled inside its transaction has committed it all the same."""
    patch.source(per_transition._Keeper, "write", (", on_cancel=work.withdraw", ""))
