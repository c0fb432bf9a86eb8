"""Reads: from where, how old, and what of them is left open."""

from __future__ import annotations

from typing import Any

from fsmcore import attempt, store
from fsmcore.connections import per_transition
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


def _reads_are_cached(patch: Patch, by: str) -> None:
    patch.source(
        store.Store,
        "read",
        (
            "return await self.retry.run(once)",
            f"""known = vars({by}).setdefault("_cache", {{}})
    if file_path not in known:
        known[file_path] = await self.retry.run(once)
    return known[file_path]""",
        ),
    )


@mutant(
    family=Family.READS,
    laws=("the_history_is_linearizable", "a_caller_reads_its_own_write"),
    realistic="a cache in front of the table, forgotten by the writers",
    shows="a read, a transition, and a read",
)
def rows_are_read_from_a_cache(patch: Patch) -> None:
    """A row that was read once is never read again."""
    _reads_are_cached(patch, "self")


@mutant(
    family=Family.READS,
    laws=("the_history_is_linearizable", "a_caller_reads_its_own_write"),
    realistic="a cache that is written through, by the only process there is, it is thought",
    shows="a transition of another process between two reads",
)
def a_cache_is_written_through_by_one_process(patch: Patch) -> None:
    """Own transitions drop the row from the cache; those of others do not."""
    _reads_are_cached(patch, "self._connections")

    @patch.around(attempt.Attempt, "compare_and_set")
    async def compare_and_set(
        original: Any,
        self: Any,
        row: Any,
        edge: Any,
        *,
        last_error: str | None = None,
        failure_info: str | None = None,
    ) -> Any:
        known = vars(self._connections).setdefault("_cache", {})
        try:
            return await original(self, row, edge, last_error=last_error, failure_info=failure_info)
        finally:
            known.pop(row.file_path, None)


@mutant(
    family=Family.READS,
    laws=("nothing_outlives_its_owner", "the_log_stays_and_stays_small"),
    realistic="a read transaction 'for a consistent view', on the connection that is there anyway",
    shows="one read, and a checkpoint after it",
)
def the_keeper_stays_in_its_snapshot(patch: Patch) -> None:
    """The keeper looks anew at each read, and ends none: the log cannot be begun anew."""
    patch.source(
        per_transition._Keeper,
        "read",
        (
            "fetched = await self._connection.execute_fetchall(work.statement, work.parameters)",
            """if self.file._has_wal:
            script = "BEGIN; SELECT count(*) FROM sqlite_schema"  # and ends what was begun before
            await self._connection.executescript(script)
        fetched = await self._connection.execute_fetchall(work.statement, work.parameters)""",
        ),
    )


@mutant(
    family=Family.READS,
    laws=("the_history_is_linearizable", "a_caller_reads_its_own_write"),
    realistic="the same, begun once",
    shows="a read, a transition, and a read",
)
def reads_see_an_old_snapshot(patch: Patch) -> None:
    """Reads go through a connection that has begun a transaction and never ends it."""
    patch.source(
        per_transition._Keeper,
        "read",
        (
            "fetched = await self._connection.execute_fetchall(work.statement, work.parameters)",
            """if self.file._has_wal and not self._connection.in_transaction:
            await self._connection.execute("BEGIN")
        fetched = await self._connection.execute_fetchall(work.statement, work.parameters)""",
        ),
    )


@mutant(
    family=Family.READS,
    laws=("a_refused_attempt_begins_no_write",),
    realistic="'read under the write lock, and nobody can come between'",
    shows="one attempt without an edge, while somebody else writes",
)
def every_read_takes_the_write_lock(patch: Patch) -> None:
    """Whoever only looks waits for the writers, and makes them wait."""
    patch.source(
        attempt.Attempt,
        "read",
        (
            "return await read_row(self._session, self._schema, file_path)",
            """select = self._schema.sql(sql.SELECT_FILE)
    await self._session.fetch_exclusively(select, (file_path,))
    return await read_row(self._session, self._schema, file_path)""",
        ),
    )
