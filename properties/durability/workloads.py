"""The workloads by name, each with the law that it asks."""

from __future__ import annotations

from properties.durability.workload import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            name="wal-reset",
            law="assume_a_checkpoint_loses_nothing",
            sentence="A committed row outlives every checkpoint and kill of other processes.",
            leans_on="fsmcore/connections/work.py: Transaction.run",
            module="properties.durability.workers.plain",
            default_count=2,
        ),
        Workload(
            name="subject",
            law="processes_lose_no_acknowledged_transition",
            sentence="A transition acknowledged by any process stays, whoever is killed.",
            leans_on=None,
            module="properties.durability.workers.core",
            default_count=3,
        ),
        Workload(
            name="open-close",
            law="assume_opening_and_closing_never_deadlock",
            sentence="Two connections of one process, one opening and one closing, both come back.",
            leans_on="fsmcore/connections/per_transition.py: _Keeper.write",
            module="properties.durability.workers.opening",
            default_count=1,
            has_checkpointer=False,
            is_killed=False,
            hang="open/close deadlock",
        ),
    )
}


def durability_laws() -> list[str]:
    """Return the laws that the ledger may name beside those of `specs`."""
    return [workload.law for workload in WORKLOADS.values()]
