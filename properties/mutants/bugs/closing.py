"""Opening and closing a store: what is checked, what is kept, and what the end of it takes away."""

from __future__ import annotations

from fsmcore.connections import per_transition
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
    patch.source(
        per_transition.PerTransition,
        "open",
        ("await finish(_close(keeper))", "pass"),
    )


@mutant(
    family=Family.CLOSING,
    laws=("the_log_stays_and_stays_small",),
    realistic="a connection that does nothing looks like a leak, and is 'mended'",
    shows="one attempt, and a look into the folder",
)
def there_is_no_keeper(patch: Patch) -> None:
    """Each transition's close is the last one: it checkpoints, and removes the log."""
    patch.source(
        per_transition.PerTransition,
        "open",
        (
            "self._keeper = keeper",
            "await finish(_close(keeper))\n    self._keeper = keeper",
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
    patch.source(
        per_transition.PerTransition,
        "close",
        ("await finish(_close(keeper))", "pass"),
    )


@mutant(
    family=Family.CLOSING,
    laws=("close_lets_attempts_end",),
    realistic="a closed store refuses everything, and looks whether it is closed before each write",
    shows="one attempt under way when its store is closed",
)
def a_close_refuses_who_is_under_way(patch: Patch) -> None:
    """Who has begun is told that the store is not open, in the middle of its attempt."""
    patch.source(
        per_transition.PerTransition,
        "_used_by",
        (
            "return _AioSession(connection, self._file.name, self._writer_lock)",
            """session = _AioSession(connection, self._file.name, self._writer_lock)
    if self._keeper is None:
        return session
    model = self

    class Refusing(_AioSession):
        async def commit(self, writes, receipt):
            if model._keeper is None:
                raise model._file.not_open()
            await super().commit(writes, receipt)

    return Refusing(connection, self._file.name, self._writer_lock)""",
        ),
    )
