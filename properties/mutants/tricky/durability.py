"""PRAGMAs in another order, stronger ones, and ones that are left to SQLite."""

from __future__ import annotations

from fsmcore import native
from fsmcore.connections import seat
from fsmcore.connections.file import StoreFile
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, tricky

Prepared = native.PreparedConnection


@tricky(
    family=Family.DURABILITY,
    realistic="a list of PRAGMAs, sorted",
    shows="they do not depend on each other",
)
def pragmas_come_in_another_order(patch: Patch) -> None:
    """More PRAGMAs, and the synchronous one among the last."""
    patch.source(
        Prepared,
        "_prepare",
        (
            'self.execute(f"PRAGMA synchronous={asked.synchronous.name}")',
            """self.execute("PRAGMA cache_size=-500")
    self.execute("PRAGMA temp_store=MEMORY")
    self.execute(f"PRAGMA synchronous={asked.synchronous.name}")""",
        ),
    )


@tricky(
    family=Family.DURABILITY,
    realistic="'extra' is more than full",
    shows="it waits for at least what FULL waits for",
)
def extra_is_used_for_full(patch: Patch) -> None:
    """Commits wait for more than they were asked to."""
    patch.source(
        Prepared,
        "_prepare",
        (
            'self.execute(f"PRAGMA synchronous={asked.synchronous.name}")',
            'self.execute("PRAGMA synchronous=EXTRA")',
        ),
        (
            "if synchronous != asked.synchronous.value:",
            "if synchronous < asked.synchronous.value:",
        ),
    )


@tricky(
    family=Family.DURABILITY,
    realistic="FULL is what SQLite does by itself",
    shows="what came of it is looked at all the same",
)
def full_is_left_to_sqlite(patch: Patch) -> None:
    """Nobody sets what is the default; it is checked."""
    patch.source(
        Prepared,
        "_prepare",
        (
            'self.execute(f"PRAGMA synchronous={asked.synchronous.name}")',
            """if asked.synchronous is not Synchronous.FULL:
        self.execute(f"PRAGMA synchronous={asked.synchronous.name}")""",
        ),
    )


@tricky(
    family=Family.DURABILITY,
    realistic="the mode belongs to the file, so it is looked at once",
    shows="while a connection stays open nobody can take the file out of WAL mode",
)
def wal_is_checked_once(patch: Patch) -> None:
    """Only the first connection looks at the journal mode."""
    patch.source(
        StoreFile,
        "preparation",
        ("requires_wal=self._has_wal", "requires_wal=False"),
    )


@tricky(
    family=Family.DURABILITY,
    realistic="a shorter log",
    shows="a checkpoint that comes sooner loses nothing",
)
def checkpoints_come_sooner(patch: Patch) -> None:
    """The log is copied back every two hundred pages."""
    patch.source(
        Prepared,
        "_prepare",
        (
            'self.execute(f"PRAGMA synchronous={asked.synchronous.name}")',
            """self.execute("PRAGMA wal_autocheckpoint=200")
    self.execute(f"PRAGMA synchronous={asked.synchronous.name}")""",
        ),
    )


@tricky(
    family=Family.CLOSING,
    realistic="closed in the block, and closed in the finally",
    shows="a second close has nothing to do",
)
def everything_is_closed_twice(patch: Patch) -> None:
    """Each connection is closed, and closed again."""
    patch.source(
        seat,
        "run_afresh",
        ("close(native)", "native.close()\n        sqlite3.Connection.close(native)"),
    )
