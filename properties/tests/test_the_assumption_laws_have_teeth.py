"""Each law about a library fails with a library that breaks it, and by its own failure."""

from __future__ import annotations

import importlib
import inspect
import itertools
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from properties.tests.patched import database, loop, machine, worker

SPECS = Path(__file__).resolve().parents[1] / "specs"
KNOWN = SPECS.with_name("known.toml")
REGRESSIONS = SPECS.parents[1] / "reports" / "regressions.toml"
Patch = Callable[[pytest.MonkeyPatch], None]
opened_as = database.opened_as

BROKEN: dict[str, tuple[Patch, ...]] = {
    "a_busy_begin_begins_nothing": (opened_as(database.BeginsAllTheSame),),
    "a_busy_commit_keeps_the_transaction": (opened_as(database.ForgetsABusyCommit),),
    "a_callback_is_called_once": (machine.finds_a_callback_twice,),
    "a_cancelled_callback_passes": (machine.swallows_a_cancellation,),
    "a_cancelled_commit_is_executed": (worker.submits_late,),
    "a_chained_event_runs_after_its_sender": (machine.drops_a_chained_event,),
    "a_clock_that_steps_back_delays_nobody": (machine.waits_for_the_clock,),
    "a_closed_connection_raises_value_error": (worker.raises_as_sqlite_does,),
    "a_connection_is_what_its_connector_returns": (worker.connects_before_its_thread_starts,),
    "a_connection_works_on_after_an_error": (worker.ends_at_an_error,),
    "a_constraint_undoes_its_statement_alone": (opened_as(database.UndoesAllAtAConstraint),),
    "a_dropped_machine_is_freed": (machine.keeps_every_machine,),
    "a_failed_connect_leaves_nothing": (worker.leaves_a_thread,),
    "a_fetched_cursor_pins_nothing": (worker.leaves_a_read_open,),
    "a_lock_is_fair": (loop.is_unfair, loop.serves_the_cancelled),
    "a_machine_works_on_after_an_error": (machine.is_done_for_after_an_error,),
    "a_new_read_sees_what_was_committed": (opened_as(database.ReadsOnce),),
    "a_refused_event_raises": (machine.returns_none_for_a_refused_event,),
    "a_rollback_is_always_allowed": (worker.refuses_an_idle_rollback,),
    "activation_enters_with_an_empty_source": (machine.enters_from_where_it_is,),
    "an_async_guard_is_awaited": (machine.takes_a_coroutine_for_yes,),
    "callback_errors_reach_their_sender": (machine.wraps_what_a_callback_raises,),
    "calls_run_in_the_order_they_were_made": (worker.submits_out_of_order,),
    "close_closes_the_connection": (opened_as(database.StaysOpen),),
    "errors_keep_their_class_and_code": (worker.keeps_the_primary_code, worker.raises_look_alikes),
    "isolation_level_none_begins_nothing": (
        opened_as(database.Executing, isolation_level="DEFERRED"),
    ),
    "machines_share_nothing": (machine.shares_one_model,),
    "row_counts_are_those_of_the_statement": (opened_as(database.CountsGenerously),),
    "rows_are_plain_tuples": (opened_as(database.NamesItsRows),),
    "states_without_an_end_can_be_defined": (machine.defines_no_trap_state,),
    "waiting_does_not_cancel_what_is_waited_for": (
        loop.cancels_what_is_waited_for,
        loop.times_out_twice,
    ),
    "wal_mode_is_kept_by_the_file": (
        opened_as(database.WaitsLess),
        opened_as(database.StaysOpen),
    ),
}
"""By law, without its ``assume_``. What a ledger or a pair of releases names is broken by those."""
# As where the laws are asked: what a library leaves behind is found by probes.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
CASES = [(law, patch) for law, patches in BROKEN.items() for patch in patches]


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    yield
    database.close_all()
    worker.end_threads()
    machine.forget()


def _drawn(strategy: Any, holds: Callable[[Any], None]) -> None:
    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def law(case: Any) -> None:
        holds(case)

    law()


def _cases(test: Any) -> Iterator[dict[str, Any]]:
    """Return what pytest would call a law's function with."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    for values in itertools.product(*(mark.args[1] for mark in marks)):
        yield dict(zip((mark.args[0] for mark in marks), values, strict=True))


def broken(law: str) -> list[str]:
    """Ask all of a law; return what it says. An error that is not the law's own is raised."""
    module = importlib.import_module(f"properties.specs.test_assume_{law}")
    told = []
    for name, test in list(vars(module).items()):
        if not name.startswith("test_"):
            continue
        for case in _cases(test):
            with pytest.MonkeyPatch.context() as inner:
                given_to: dict[str, Any] = {"drawn": _drawn, "monkeypatch": inner, **case}
                wanted = inspect.signature(test).parameters
                try:
                    test(**{key: value for key, value in given_to.items() if key in wanted})
                except (AssertionError, pytest.fail.Exception) as error:
                    told.append(f"{name}: {error}")
    return told


@pytest.mark.parametrize("law", BROKEN)
def test_the_untouched_library_keeps_it(law: str) -> None:
    """Else a kill would prove nothing."""
    assert [] == broken(law)


@pytest.mark.parametrize(
    ("law", "patch"), CASES, ids=[f"{law}-{n}" for n, (law, _) in enumerate(CASES)]
)
def test_a_broken_library_is_caught(
    law: str, patch: Patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an assertion of the law, which is a failure and not the judge's own."""
    patch(monkeypatch)
    told = broken(law)
    monkeypatch.undo()
    assert told


def test_no_assumption_is_without_teeth() -> None:
    """A law is broken by a library patched here, or by real releases.

    Those stand in the ledger, or among the pairs that `nox -s upstream` asks.
    """
    laws = {path.stem.removeprefix("test_assume_") for path in SPECS.glob("test_assume_*.py")}
    ledger = tomllib.loads(KNOWN.read_text("utf-8"))["known"]
    pairs = tomllib.loads(REGRESSIONS.read_text("utf-8"))["pair"]
    by_releases = {each["law"].removeprefix("assume_") for each in (*ledger, *pairs)}
    assert set() == laws - by_releases - BROKEN.keys()
    assert set() == BROKEN.keys() - laws
