"""The shelf: every scenario by name, so that a schedule finds the one it was made for."""

from __future__ import annotations

import dataclasses
import functools

from properties.rules import hearing
from properties.rules.workload import Arrival, Workload
from properties.rules.workload import from_name as from_workload_name
from properties.simulation.budget import Budget
from properties.simulation.faults import (
    CLOCK_FAULTS,
    CRASH,
    DENIED,
    FULL,
    INTERRUPTED,
    INTERRUPTED_LATE,
)
from properties.simulation.scenario import Scenario
from properties.simulation.scenarios import promises
from properties.simulation.scenarios.core import Core, core, doubted, padded, resolved
from properties.simulation.scenarios.counter import Bare, bare
from properties.simulation.scenarios.drawn import from_name
from properties.simulation.scenarios.kept import (
    BEGUN_SCRIPT,
    LATE_SCRIPT,
    in_time,
    kept,
    lone_update,
    look,
    look_beside_the_layout,
    look_for_commits,
    read_then_compare,
    read_then_set,
    retried,
    returning,
    script,
    ticketed,
    two_updates,
    watched_write,
    whole_transaction,
)
from properties.simulation.scenarios.laws import (
    all_of,
    every_ok_counts,
    every_ok_word_counts,
    nothing_is_left_behind,
)
from properties.subjects.models import MODELS
from properties.subjects.named import subject_named

_UPLOADS = ("start_upload", "start_upload", "start_upload")
_CHAIN = ("start_upload", "complete_upload", "fail_upload")


def _crash(name: str, sentence: str) -> Scenario:
    uploads = (Arrival(event="start_upload"), Arrival(event="start_upload"))
    asked = Workload(
        subject="handrolled-unlocked", phases=(uploads, (Arrival(event="complete_upload"),))
    )
    budget = Budget(faults=(CRASH,), fault_count=1)
    found = hearing.scenario(asked, budget=budget)
    return dataclasses.replace(found, name=name, sentence=sentence)


def on_each_model(count: int) -> list[Scenario]:
    """Return the same uploads on every connection model but the default, which the others have."""
    return [
        core(
            f"{model}-{count}",
            f"{count} uploads of one file through the connection model {model}.",
            _UPLOADS[:count],
            Core(with_library=False, model=model),
        )
        for model in MODELS
        if model != "per-transition"
    ]


SCENARIOS: tuple[Scenario, ...] = (
    kept("lone-2", "Two lone updates; one may meet the other in full flight.",
         lone_update, lone_update, law=every_ok_counts, budget=Budget(overlaps=1)),
    kept("lone-3", "Three lone updates.",
         lone_update, lone_update, lone_update, law=every_ok_counts, budget=Budget(overlaps=2)),
    kept("kept-occ-2", "Two compare and set, in single statements.",
         read_then_compare, read_then_compare, law=every_ok_counts, budget=Budget(overlaps=1)),
    kept("kept-lost-update-2", "Two write what they read, unchecked. Broken on purpose.",
         read_then_set, read_then_set, law=every_ok_counts, is_broken=True,
         budget=Budget(overlaps=1)),
    kept("lost-update-3", "Three write what they read, unchecked. Broken on purpose.",
         read_then_set, read_then_set, read_then_set, law=every_ok_counts, is_broken=True,
         budget=Budget(overlaps=2)),
    kept("mixed-2", "A transaction of three statements against a lone compare-and-set.",
         whole_transaction, read_then_compare, law=every_ok_counts, budget=Budget(overlaps=1)),
    kept("transactions-2", "Two transactions of three statements.",
         whole_transaction, whole_transaction, law=every_ok_counts),
    kept("cut-off-2", "Two transactions, one of which may be cancelled anywhere.",
         whole_transaction, whole_transaction, law=all_of(every_ok_counts, nothing_is_left_behind),
         budget=Budget(cancellations=1)),
    kept("watched-2", "Two writes in tasks of their own; a cancellation sees how far each got.",
         watched_write, watched_write, law=every_ok_counts,
         budget=Budget(cancellations=1, overlaps=1)),
    kept("in-time-2", "Two compare and set against a timer that a late loop may fire any time.",
         in_time, in_time, law=every_ok_counts, budget=Budget(early_clocks=2, overlaps=1)),
    kept("pause-2", "A compare-and-set that tries again after a pause, against two lone updates.",
         retried, two_updates, law=every_ok_word_counts, budget=Budget(early_clocks=1, overlaps=1)),
    kept("shared-2", "Two compare and set on one connection, whose worker takes turns.",
         read_then_compare, read_then_compare, law=every_ok_counts, is_shared=True),
    kept("shared-mixed-2", "An update and a look, then another update, on one connection.",
         lone_update, read_then_set, law=every_ok_counts, is_shared=True, is_broken=True),
    kept("returning-2", "An update whose row is fetched in a second call, against a lone update.",
         returning, lone_update, law=every_ok_word_counts, budget=Budget(overlaps=1)),
    kept("data-version-2", "Two looks at how often others have committed, against a lone update.",
         look_for_commits, lone_update, law=every_ok_counts),
    kept("layout-and-rows-2", "A look at the schema and a row in one, against a lone update.",
         look_beside_the_layout, lone_update, law=every_ok_counts),
    kept("script-begin-2", "A script that begins, adds and commits in one call, against a look.",
         functools.partial(script, text=BEGUN_SCRIPT), look, law=every_ok_counts),
    kept("script-select-2", "A script that reads before it adds, in one call, against a look.",
         functools.partial(script, text=LATE_SCRIPT), look, law=every_ok_counts),
    ticketed(2),
    ticketed(3),
    bare("occ-2", "Two attempts compare and set; the loser is stale or busy.", Bare()),
    bare("occ-3", "Three attempts compare and set.", Bare(), count=3),
    bare(
        "occ-retry-2",
        "Two attempts compare and set, and try once more after a backoff.",
        Bare(retries=1),
        budget=Budget(early_clocks=1),
    ),
    bare(
        "immediate-3",
        "Three attempts read inside BEGIN IMMEDIATE: busy, never stale.",
        Bare(reads_inside=True),
        count=3,
    ),
    bare(
        "deferred-2",
        "Two attempts read, then write, in one deferred transaction: BUSY_SNAPSHOT.",
        Bare(begin="BEGIN DEFERRED", reads_inside=True),
    ),
    bare(
        "autocommit-2",
        "Two lone compare-and-set statements; one may meet the other in full flight.",
        Bare(begin=None),
        budget=Budget(overlaps=1),
    ),
    bare(
        "lost-update-2",
        "Two attempts write what they read, unchecked: an update is lost. Broken on purpose.",
        Bare(checks_version=False),
        is_broken=True,
    ),
    core("store-2", "Two uploads of one file through the core, no lock but SQLite's.",
         _UPLOADS[:2], Core(with_library=False)),
    core("store-3", "Three uploads of one file through the core, no lock but SQLite's.",
         _UPLOADS, Core(with_library=False)),
    core("machine-3", "Three uploads of one file through python-statemachine.",
         _UPLOADS, Core()),
    core("chain-2", "An upload, and its completion, at once.",
         _CHAIN[:2], Core(with_library=False)),
    core("give-up-2", "Two uploads that try once only.",
         _UPLOADS[:2], Core(with_library=False, max_tries=1)),
    resolved("resolved-2", "Two uploads, one cut off anywhere; both ask what became of them.",
             Core(with_library=False), budget=Budget(cancellations=1)),
    doubted("doubted-2", "Two uploads; a COMMIT is denied, and its caller asks later.",
            Core(with_library=False, max_tries=3),
            budget=Budget(faults=(DENIED,), fault_count=1)),
    core("fair-2", "Two uploads that take turns at BEGIN.",
         _UPLOADS[:2], Core(with_library=False, fair_writer_lock=True)),
    core("failing-2", "Two uploads; SQLite answers any one call of theirs with an error.",
         _UPLOADS[:2], Core(with_library=False),
         budget=Budget(faults=(INTERRUPTED, INTERRUPTED_LATE, DENIED), fault_count=1)),
    padded("full-2", "Two uploads into a full page; for any one call the disk has no further one.",
           _UPLOADS[:2], Core(with_library=False), budget=Budget(faults=(FULL,), fault_count=1)),
    core("clock-2", "Two uploads; the wall clock steps back, jumps or stops anywhere.",
         _UPLOADS[:2], Core(with_library=False),
         budget=Budget(faults=CLOCK_FAULTS, fault_count=1)),
    _crash("crash-2", "Two uploads, then a third attempt; the process may die at any step."),
    *on_each_model(2),
    *on_each_model(3),
    core("locks-2", "Two uploads behind every lock of the core.",
         _UPLOADS[:2], Core(with_library=False, fair_writer_lock=True, file_locks=True)),
)  # fmt: skip


def scenario(name: str, *, breaks: str | None = None) -> Scenario:
    """Return a scenario by name, a drawn one too; raises ``KeyError`` that lists them.

    Of a workload that many laws judge, ``breaks`` names the one that is asked; else all are.
    """
    for each in SCENARIOS:
        if each.name == name:
            return each
    workload = from_name(name)
    if workload is not None:
        return workload.scenario()
    found = _of_the_rules(name, breaks)
    if found is not None:
        return found
    promise = promises.from_name(name)
    if promise is not None:
        return promise
    raise KeyError(f"no scenario {name!r}; there are {', '.join(s.name for s in SCENARIOS)}.")


def _of_the_rules(name: str, breaks: str | None) -> Scenario | None:
    found = from_workload_name(name)
    if found is None:
        return None
    try:
        subject_named(found.subject)
    except KeyError:
        return None
    judges = hearing.all_judges()
    law = (breaks or "").partition(":")[0]
    return hearing.scenario(found, judges={law: judges[law]} if law in judges else judges)
