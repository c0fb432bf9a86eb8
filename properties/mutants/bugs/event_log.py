"""The event log: when a record is made, how many there are, and what they say."""

from __future__ import annotations

from fsmcore import transitions
from fsmcore.event_log import Outcome
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

LAW = "the_event_log_tells_the_truth"
Manager = transitions.FileTransitionManager


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="the record is made where the event is known, which is before the write",
    shows="one attempt that is refused by its write: stale, busy or failing",
)
def success_is_recorded_before_the_commit(patch: Patch) -> None:
    """The record says success, and then the row is written, or not."""
    patch.source(
        Manager,
        "_one_try",
        (
            "trace.moved = moved = await attempt.compare_and_set(row, edge, **beside)",
            """if self._events is not None:
                trace.fate = CommitFate.COMMITTED
                self._record(trace, None)
                trace.fate = CommitFate.NOT_SENT
            trace.moved = moved = await attempt.compare_and_set(row, edge, **beside)""",
        ),
    )
    patch.source(
        Manager,
        "transition",
        ("self._record(trace, None)", "pass"),
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="the record is made inside of the function that the retry loop calls",
    shows="one attempt that meets a lock, or a moved row, once",
)
def every_try_is_recorded(patch: Patch) -> None:
    """A try that is made again leaves a record too."""
    patch.source(
        Manager,
        "_settled",
        (
            "return await self._one_try(attempt, trace, expected_version, beside), tries",
            """try:
                return await self._one_try(attempt, trace, expected_version, beside), tries
            except StoreBusyError as error:
                if tries < self._retry.max_tries:
                    self._record(trace, error)
                raise""",
        ),
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="the record follows the call, and an exception does not get there",
    shows="one attempt that fails in any way",
)
def failures_are_not_recorded(patch: Patch) -> None:
    """Only who succeeded is in the log."""
    patch.source(Manager, "transition", ("self._record_failure(trace, error)", "pass"))


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="`except Exception`: a CancelledError is none",
    shows="one attempt that is cancelled anywhere",
)
def the_cancelled_are_not_recorded(patch: Patch) -> None:
    """Who was cut off has no record, though its row may have moved."""
    patch.source(
        Manager, "transition", ("except BaseException as error:", "except Exception as error:")
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="the record of a failure goes by what was raised, not by what was committed",
    shows="one attempt whose callback raises after its commit",
)
def an_error_after_the_commit_is_recorded_as_a_failure(patch: Patch) -> None:
    """A committed transition is in the log as failed."""
    patch.source(
        transitions._Trace,
        "outcome",
        (
            "if self.fate is CommitFate.COMMITTED:",
            "if self.fate is CommitFate.COMMITTED and error is None:",
        ),
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=("an_unknown_outcome_says_unknown",),
    realistic="cancelled is cancelled",
    shows="one attempt, cancelled while it waits for its COMMIT",
)
def a_cancelled_commit_is_recorded_as_nothing_done(patch: Patch) -> None:
    """Who was cancelled with its COMMIT on the way is logged as cancelled, not as unknown."""
    patch.source(
        transitions._Trace,
        "outcome",
        (
            "if self.fate is CommitFate.SENT:",
            "if self.fate is CommitFate.SENT and not isinstance(error, asyncio.CancelledError):",
        ),
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="the trace is filled in as the attempt goes, and a second try begins with it filled",
    shows="one attempt that is overtaken, and finds no edge at its second try",
)
def a_second_try_keeps_what_the_first_one_noted(patch: Patch) -> None:
    """Target and guard of a try that came to nothing stand in the record of another answer."""
    patch.source(
        Manager,
        "_one_try",
        ("trace.from_state = trace.to_state = trace.guard_result = None", "pass"),
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=(LAW,),
    realistic="a store that raises StaleTransitionError is busy with others, one might say",
    shows="one attempt that expects an old version",
)
def stale_is_recorded_as_busy(patch: Patch) -> None:
    """Two outcomes are one in the log."""
    known = transitions._OUTCOMES
    changed = tuple(
        (kind, Outcome.BUSY if outcome is Outcome.STALE else outcome) for kind, outcome in known
    )
    patch.value(transitions, "_OUTCOMES", known, changed)
