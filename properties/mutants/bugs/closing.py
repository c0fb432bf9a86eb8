"""Opening and closing a store: what is checked, what is kept, and what the end of it takes away."""

from __future__ import annotations

from fsmcore.connections import lending, per_transition
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.CLOSING,
    laws=("nothing_outlives_its_owner",),
    realistic="the keeper is stored before it is ready, and nobody closes it when it never is",
    shows="a store that cannot be opened: a file that is no database",
)
def a_failed_open_leaves_its_keeper(patch: Patch) -> None:
    """An open that raises leaves its connection, and the connection its thread."""
    patch.source(lending.Lending, "open", ("await finish(lent.end())", "pass"))


@mutant(
    family=Family.CLOSING,
    laws=("the_log_stays_and_stays_small",),
    realistic="a connection that does nothing looks like a leak, and is 'mended'",
    shows="one attempt, and a look into the folder",
)
def there_is_no_keeper(patch: Patch) -> None:
    """Each transition's close is the last one: it checkpoints, and removes the log."""
    patch.source(
        per_transition._Keeper,
        "open",
        (
            "await self.file.prepare(self, prepare)",
            "await self.file.prepare(self, prepare)\n    await finish(self._connection.close())",
        ),
    )
    patch.source(
        per_transition._Keeper,
        "read",
        (
            "with translated(self.file.name):",
            """if self.file._has_wal:
        return await finish(_Errand(self.file, work).done())
    with translated(self.file.name):""",
        ),
    )


@mutant(
    family=Family.CLOSING,
    laws=("nothing_outlives_its_owner", "close_lets_attempts_end"),
    realistic="'the process ends anyway'",
    shows="a store that is opened and closed",
)
def the_keeper_is_not_closed(patch: Patch) -> None:
    """The store forgets its keeper instead of closing it."""
    patch.source(per_transition._Keeper, "end", ("await self._connection.close()", "pass"))


@mutant(
    family=Family.CLOSING,
    laws=("close_lets_attempts_end",),
    realistic="a closed store refuses everything, and looks whether it is closed before each write",
    shows="one attempt under way when its store is closed",
)
def a_close_refuses_who_is_under_way(patch: Patch) -> None:
    """Who has begun is told that the store is not open, in the middle of its attempt."""
    patch.source(
        per_transition._Keeper,
        "write",
        (
            "async with self._writer_lock or _NO_LOCK:",
            """if self.is_dismissed:
        raise self.file.not_open()
    async with self._writer_lock or _NO_LOCK:""",
        ),
    )
