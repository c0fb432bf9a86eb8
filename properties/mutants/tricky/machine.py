"""Machines and guards that look careless, and logs that are late."""

from __future__ import annotations

from fsmcore import store, transitions
from fsmcore.adapters import handrolled
from fsmcore.connections import per_transition
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, tricky


@tricky(
    family=Family.MACHINE,
    realistic="the state is set, and then entered",
    shows="the machine is dropped when its write fails, and its state with it",
)
def a_machine_that_is_dropped_moves_first(patch: Patch) -> None:
    """The machine stands in its new state before the row is written."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        (
            "await self._enter(edge)\n    self._state = target",
            "self._state = target\n    await self._enter(edge)",
        ),
    )


@tricky(
    family=Family.MACHINE,
    realistic="a guard that asks somebody far away",
    shows="how long a guard takes is its own affair: the version is compared after it",
)
def the_guard_takes_its_time(patch: Patch) -> None:
    """Many turns of the loop pass before the guard is asked."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        (
            "if not await self._ask_guard(edge):",
            """import asyncio
    for _ in range(25):
        await asyncio.sleep(0)
    if not await self._ask_guard(edge):""",
        ),
    )


@tricky(
    family=Family.MACHINE,
    realistic="one look before the work, and one after it",
    shows="both are asked about the row that was read, and both must say yes",
)
def the_guard_is_asked_twice(patch: Patch) -> None:
    """A guard that has said yes is asked once more."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        (
            "if not await self._ask_guard(edge):",
            "if not await self._ask_guard(edge) or not await self._ask_guard(edge):",
        ),
    )


@tricky(
    family=Family.EVENT_LOG,
    realistic="a sink is called when the caller is not waiting for it",
    shows="the record is made in the next turn of the loop, once, and says what it would have said",
)
def a_record_comes_a_turn_later(patch: Patch) -> None:
    """The sink is called by the loop, not by the attempt."""
    patch.source(
        transitions.FileTransitionManager,
        "_record",
        (
            "self._events.record(\n",
            "asyncio.get_running_loop().call_soon(\n        self._events.record,\n",
        ),
    )


@tricky(
    family=Family.OUTCOMES,
    realistic="an answer that cannot change need not be looked up again",
    shows="committed is for good; nothing but that is remembered",
)
def committed_outcomes_are_remembered(patch: Patch) -> None:
    """Who was found committed is not looked up a second time."""
    patch.source(
        store.Store,
        "outcome_of",
        (
            "select = self._schema.sql(sql.SELECT_ATTEMPT)",
            """known = vars(self).setdefault("_committed", {})
    if attempt_id in known:
        return known[attempt_id]
    select = self._schema.sql(sql.SELECT_ATTEMPT)""",
        ),
        (
            "return AttemptOutcome(fate=Fate.COMMITTED, entry=journal_entry(rows[0]))",
            """known[attempt_id] = AttemptOutcome(
            fate=Fate.COMMITTED, entry=journal_entry(rows[0])
        )
        return known[attempt_id]""",
        ),
    )


@tricky(
    family=Family.READS,
    realistic="the keeper is shared by all tasks, and a reader wants to be alone",
    shows="a connection of its own sees what is committed, as any other does",
)
def each_read_has_a_connection_of_its_own(patch: Patch) -> None:
    """Rows are read on a fresh connection, and not on the one that stays."""
    patch.source(
        per_transition._Keeper,
        "read",
        (
            "with translated",
            """
            if self.file._has_wal:
                return await finish(_Errand(self.file, work).done())
            with translated""",
        ),
    )
