"""Durability: what SQLite is asked to promise, whether it does, and who looks."""

from __future__ import annotations

from fsmcore import native
from fsmcore.connections import seat
from fsmcore.connections.file import StoreFile
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

SYNCED = "success_is_told_when_the_disk_has_it"
POWER = "an_acknowledged_transition_survives_a_power_loss"


def _synchronous(patch: Patch, level: str) -> None:
    patch.source(
        native.PreparedConnection,
        "_prepare",
        (
            'self.execute(f"PRAGMA synchronous={asked.synchronous.name}")',
            f'self.execute("PRAGMA synchronous={level}")',
        ),
        ("if synchronous != asked.synchronous.value:", "if False:"),
    )


@mutant(
    family=Family.DURABILITY,
    laws=(SYNCED, POWER),
    realistic="the advice of every tuning guide, in the one place that all connections come from",
    shows="one acknowledged transition, and a power loss",
)
def normal_is_claimed_as_full(patch: Patch) -> None:
    """COMMIT does not wait for the disk."""
    _synchronous(patch, "NORMAL")


@mutant(
    family=Family.DURABILITY,
    laws=(SYNCED, POWER),
    realistic="a setting of the tests that came into production",
    shows="a power loss in a checkpoint: the file is damaged",
)
def syncs_are_off(patch: Patch) -> None:
    """Nothing waits for the disk, checkpoints included."""
    _synchronous(patch, "OFF")


@mutant(
    family=Family.DURABILITY,
    laws=(SYNCED, POWER),
    realistic="PRAGMAs belong to the file, it is thought: set once, when the store is opened",
    shows="one acknowledged transition on a connection of its own, and a power loss",
)
def a_pragma_is_set_where_it_is_too_late(patch: Patch) -> None:
    """A second, faster setting stands in the transaction's own connection after the check."""
    patch.source(
        seat,
        "run_afresh",
        (
            "native = file.connect()",
            """native = file.connect()
    native.execute("PRAGMA synchronous=NORMAL")""",
        ),
    )


@mutant(
    family=Family.DURABILITY,
    laws=("readers_and_writers_do_not_wait_for_each_other",),
    realistic="'WAL makes two more files', on a host that copies one",
    shows="a reader in its snapshot, and one attempt",
)
def the_file_is_not_in_wal_mode(patch: Patch) -> None:
    """A rollback journal: readers keep the writer out, and it keeps them out."""
    patch.source(
        StoreFile,
        "prepare",
        ('"PRAGMA journal_mode=WAL"', '"PRAGMA journal_mode=DELETE"'),
    )
    patch.source(native, "require_wal", ('if journal_mode != "wal":', "if False:"))


@mutant(
    family=Family.DURABILITY,
    laws=("a_store_without_wal_is_refused",),
    realistic="a PRAGMA that cannot be obeyed raises nothing: it answers",
    shows="a file system without shared memory",
)
def the_answer_of_a_pragma_is_ignored(patch: Patch) -> None:
    """WAL was asked for and refused, and nobody reads it."""
    patch.source(native, "require_wal", ('if journal_mode != "wal":', "if False:"))


@mutant(
    family=Family.DURABILITY,
    laws=("the_log_stays_and_stays_small",),
    realistic="checkpoints make some commits slow, so they are switched off, for a cron job to do",
    shows="many transitions, and a look at the size of the log",
)
def nobody_checkpoints(patch: Patch) -> None:
    """The log grows with each transition."""
    patch.source(
        native.PreparedConnection,
        "_prepare",
        (
            'self.execute(f"PRAGMA synchronous={asked.synchronous.name}")',
            """self.execute("PRAGMA wal_autocheckpoint=0")
    self.execute(f"PRAGMA synchronous={asked.synchronous.name}")""",
        ),
    )
