"""The machine: which edges it takes, whose guard it asks, and how long it is kept."""

from __future__ import annotations

from fsmcore import FILE_LIFECYCLE, Edge, Lifecycle, attempt, transitions
from fsmcore.adapters import handrolled, statemachine
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


def _with_edges(patch: Patch, *edges: Edge, finals: frozenset[str] | None = None) -> None:
    changed = Lifecycle(
        states=FILE_LIFECYCLE.states,
        initial=FILE_LIFECYCLE.initial,
        finals=FILE_LIFECYCLE.finals if finals is None else finals,
        edges=edges,
    )
    manager = transitions.FileTransitionManager
    patch.default(manager, "__init__", "lifecycle", FILE_LIFECYCLE, changed)


@mutant(
    family=Family.MACHINE,
    laws=("every_event_in_every_state_has_its_answer",),
    realistic="a line of the edge table copied from the one above, with one word not changed",
    shows="one attempt: fail_processing of a file that is processing",
    subject="statemachine",
)
def a_failure_leads_to_success(patch: Patch) -> None:
    """The edge of fail_processing ends in the wrong final state."""
    wrong = Edge("processing", "fail_processing", "indexed")
    _with_edges(patch, *FILE_LIFECYCLE.edges[:-1], wrong)


@mutant(
    family=Family.MACHINE,
    laws=("every_event_in_every_state_has_its_answer",),
    realistic="'let people retry a failed upload', done in the machine alone",
    shows="one attempt: start_upload of a file that has failed",
)
def a_final_state_has_a_way_out(patch: Patch) -> None:
    """A failed file can be uploaded again."""
    again = Edge("failed", "start_upload", "uploading")
    _with_edges(patch, *FILE_LIFECYCLE.edges, again, finals=frozenset({"indexed"}))


@mutant(
    family=Family.MACHINE,
    laws=("every_event_in_every_state_has_its_answer",),
    realistic="an edge lost in a merge",
    shows="one attempt: fail_upload of a file that is uploading",
    subject="statemachine-unlocked",
)
def an_edge_is_missing(patch: Patch) -> None:
    """An upload cannot fail."""
    _with_edges(
        patch,
        *(each for each in FILE_LIFECYCLE.edges if each.event != "fail_upload"),
        Edge("untracked", "fail_upload", "failed"),
    )


@mutant(
    family=Family.MACHINE,
    laws=("every_event_in_every_state_has_its_answer", "the_event_log_tells_the_truth"),
    realistic="python-statemachine's allow_event_without_transition, and StateChart's default",
    shows="one attempt without an edge",
)
def an_event_without_an_edge_is_a_success(patch: Patch) -> None:
    """An illegal event is ignored: nothing moves, and the caller is told success."""
    patch.source(
        transitions.FileTransitionManager,
        "_one_try",
        (
            "await machine.trigger(trace.event)",
            """try:
            await machine.trigger(trace.event)
        except TransitionNotAllowedError:
            return row""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("only_legal_edges_are_taken", "only_the_entitled_move_a_row"),
    realistic="'read it once more just before the write, and it is never stale'",
    shows="one attempt, overtaken while its guard thinks",
)
def the_row_is_read_anew_for_the_write(patch: Patch) -> None:
    """The guard decided on one version, and the compare-and-set expects another."""
    patch.source(
        attempt.Attempt,
        "compare_and_set",
        (
            "happened_at = self._now().isoformat()",
            "row = await self.read(row.file_path)\n    happened_at = self._now().isoformat()",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("a_row_that_came_back_is_another_one",),
    realistic="the same, with a look whether the state is still the one that the guard has seen",
    shows="one attempt; while its guard thinks the file moves on, and is put back",
)
def the_same_state_is_taken_for_the_same_row(patch: Patch) -> None:
    """The version is read anew for the write if the state is still the same."""
    patch.source(
        attempt.Attempt,
        "compare_and_set",
        (
            "happened_at = self._now().isoformat()",
            """found = await self.read(row.file_path)
    row = found if found.state == row.state else row
    happened_at = self._now().isoformat()""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("only_the_entitled_move_a_row", "every_event_in_every_state_has_its_answer"),
    realistic="a guard becomes async, and its one caller does not: a coroutine is true",
    shows="one attempt whose guard says no",
)
def the_guard_is_not_awaited(patch: Patch) -> None:
    """The guard's coroutine is taken for its answer."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        (
            "if not await self._ask_guard(edge):",
            "asked = self._ask_guard(edge)\n    if not asked:",
        ),
        ("await self._enter(edge)", "asked.close()\n    await self._enter(edge)"),
    )


@mutant(
    family=Family.MACHINE,
    laws=("every_answer_was_true_at_some_moment", "no_single_fault_breaks_a_promise"),
    realistic="'a guard that cannot tell says no'",
    shows="one attempt whose guard raises",
)
def a_guard_that_raises_says_no(patch: Patch) -> None:
    """An error of the guard is told as its refusal."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        (
            "if not await self._ask_guard(edge):",
            """try:
        allowed = await self._ask_guard(edge)
    except Exception:
        allowed = False
    if not allowed:""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("a_retry_reads_again",),
    realistic="a guard is slow, and has been asked already",
    shows="one attempt that meets another writer's lock at its first try",
)
def the_guard_is_asked_once_an_attempt(patch: Patch) -> None:
    """Whoever tries again does so by the answer to a row that may have moved since."""
    patch.source(
        transitions.FileTransitionManager,
        "_one_try",
        (
            "trace.from_state = trace.to_state = trace.guard_result = None",
            "trace.from_state = trace.to_state = None",
        ),
        (
            "if guard is None:",
            "if guard is None or trace.guard_result:",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("the_history_is_linearizable",),
    realistic="building a machine for each transition is slow, so one is kept for each file",
    shows="two attempts on one file with another process's transition between them",
)
def a_machine_is_kept_for_each_file(patch: Patch) -> None:
    """A machine remembers its state; who else has moved the row, it does not see."""
    patch.source(
        transitions.FileTransitionManager,
        "_one_try",
        (
            "state=row.state,",
            "state=vars(self).setdefault('_kept', {}).setdefault(row.file_path, row.state),",
        ),
        (
            "await machine.trigger(trace.event)",
            """await machine.trigger(trace.event)
        vars(self)["_kept"][row.file_path] = machine.current_state""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("an_undisturbed_attempt_succeeds",),
    realistic="a kept machine that checks the version it was built for, as it should",
    shows="one attempt that fails before its commit, and another one after it",
)
def the_state_moves_before_the_commit(patch: Patch) -> None:
    """A machine kept for a version has moved on, although its write has failed."""
    patch.source(
        transitions.FileTransitionManager,
        "_one_try",
        (
            "state=row.state,",
            """state=vars(self).setdefault("_kept", {}).get(
                (row.file_path, row.version), row.state
            ),""",
        ),
        (
            "async def enter(edge: Edge) -> None:",
            """async def enter(edge: Edge) -> None:
            vars(self)["_kept"][row.file_path, row.version] = edge.target""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("every_event_in_every_state_has_its_answer", "only_legal_edges_are_taken"),
    realistic="the trap of on_enter_state: it also fires when the machine is activated",
    shows="one attempt, whatever it asks for",
    subject="statemachine",
)
def activation_writes_the_row(patch: Patch) -> None:
    """The initial activation enters a state, so the row is written for it too."""
    patch.source(
        statemachine,
        "_on_enter_state",
        (
            "if source is None or source.value is None:",
            """if source is None or source.value is None:
        await self._adapter._on_enter(target.value, target.value)""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("one_winner_per_version", "no_single_fault_breaks_a_promise"),
    realistic="StateChart, which upstream recommends, keeps the errors of its callbacks",
    shows="one attempt whose write is refused: busy, stale or failing",
    subject="statemachine-unlocked",
)
def the_library_keeps_the_error_of_the_write(patch: Patch) -> None:
    """What the write raises never reaches the sender."""
    patch.source(
        statemachine.StateMachineAdapter,
        "_on_enter",
        (
            "await self._enter(Edge(source, self._event, target))",
            """try:
            await self._enter(Edge(source, self._event, target))
        except Exception:
            pass""",
        ),
    )


@mutant(
    family=Family.MACHINE,
    laws=("every_event_in_every_state_has_its_answer", "every_answer_was_true_at_some_moment"),
    realistic="to the library both are TransitionNotAllowed",
    shows="one attempt without an edge",
    subject="statemachine",
)
def no_edge_is_told_as_a_guard_that_said_no(patch: Patch) -> None:
    """Whoever has no edge is told that its guard rejected it."""
    patch.source(
        statemachine.StateMachineAdapter,
        "trigger",
        ("if self._refused:", "if True:"),
    )
