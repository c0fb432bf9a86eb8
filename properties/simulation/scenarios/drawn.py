"""Scenarios that nobody wrote down: a workload is a value, and its name says all of it.

So a schedule of a drawn workload replays by its token, as one from the shelf does.
"""

from __future__ import annotations

from dataclasses import dataclass

from properties.simulation.budget import Budget
from properties.simulation.scenario import Law, Outcome, Scenario
from properties.simulation.scenarios.core import RESET_FILES, Core, core
from properties.simulation.scenarios.laws import (
    all_of,
    nothing_is_left_behind,
    one_winner_a_version,
)
from properties.subjects.models import MODELS
from properties.subjects.named import Foreign, subject_named

SETUPS = {
    "statemachine": Core(file_locks=True),
    "statemachine-unlocked": Core(),
    "handrolled": Core(file_locks=True, with_library=False),
    "handrolled-unlocked": Core(with_library=False),
    **{
        f"{adapter}-{model}": Core(file_locks=True, with_library=with_library, model=model)
        for adapter, with_library in (("statemachine", True), ("handrolled", False))
        for model in MODELS
        if model != "per-transition"
    },
}
"""How the core is set up, by the names that the laws give their subjects."""


def core_of(setup: str) -> Core:
    """Return how the core is set up; somebody else's subject says whose scenarios are its own.

    Raises ``KeyError`` for a subject that is none or has no scenarios.
    """
    if setup not in SETUPS:
        factory = subject_named(setup)
        if not isinstance(factory, Foreign):
            raise KeyError(setup)
        SETUPS[setup] = SETUPS[factory.setup()]
    return SETUPS[setup]


def is_setup(name: str) -> bool:
    """Whether there is such a set-up."""
    try:
        core_of(name)
    except (KeyError, AttributeError):
        return False
    return True


ALLOWED = {
    "untracked": ("start_upload",),
    "uploading": ("complete_upload", "fail_upload"),
    "processing": ("complete_processing", "fail_processing"),
}
"""The events that a state has an edge for, as the judge knows them."""

EVENTS = tuple(event for allowed in ALLOWED.values() for event in allowed)

_MAY_BE_ANSWERED = frozenset(
    {
        "CancelledError",
        "OutcomeUnknownError",
        "StaleTransitionError",
        "StoreBusyError",
        "TransitionNotAllowedError",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Attempts on one file that starts in ``state``; one of them may be cancelled, anywhere."""

    setup: str
    state: str
    events: tuple[str, ...]

    @property
    def name(self) -> str:
        """What finds this workload again: it holds all of it."""
        return ".".join(("drawn", self.setup, self.state, "+".join(self.events)))

    def scenario(self) -> Scenario:
        """Return the scenario. Those of one setup share what is opened."""
        return core(
            self.name,
            f"Attempts on a file that is {self.state}: {', '.join(self.events)}.",
            self.events,
            core_of(self.setup),
            reset_sql=RESET_FILES.replace("'untracked'", f"'{self.state}'"),
            budget=Budget(cancellations=1),
            law=all_of(
                only_known_answers,
                one_winner_a_version,
                told_what_was_written,
                nothing_is_left_behind,
                self._somebody_wins(),
            ),
        )

    def _somebody_wins(self) -> Law:
        is_possible = any(event in ALLOWED[self.state] for event in self.events)

        def law(outcome: Outcome) -> str | None:
            """An allowed event is taken, unless somebody was cut off."""
            was_cut_off = any(answer == "CancelledError" for _, answer in outcome.answers)
            if is_possible and not was_cut_off and len(outcome.rows) == 1:
                return "nobody was cut off, an event was allowed, and nothing is written"
            return None

        return law


def from_name(name: str) -> Workload | None:
    """Return the workload that ``name`` says, or None when it says none."""
    match (name.partition(".")[0], *name.partition(".")[2].rsplit(".", 2)):
        case ["drawn", setup, state, events] if state in ALLOWED and is_setup(setup):
            chosen = tuple(events.split("+"))
            if all(event in EVENTS for event in chosen):
                return Workload(setup=setup, state=state, events=chosen)
    return None


def only_known_answers(outcome: Outcome) -> str | None:
    """Without a fault nobody is told anything but ok, refused, stale, busy or cut off."""
    for name, answer in outcome.answers:
        if not answer.startswith("ok") and answer not in _MAY_BE_ANSWERED:
            return f"{name} is told {answer}, which no schedule may bring about"
    return None


def told_what_was_written(outcome: Outcome) -> str | None:
    """An ok names the state and the version of its own entry, and the row is the last entry's."""
    row, journal = outcome.rows[0], outcome.rows[1:]
    entries = {entry[0]: f"{entry[1]} v{entry[2]}" for entry in journal}
    for name, answer in outcome.answers:
        told = answer.partition("->")[2]
        if told and told != entries.get(name):
            return f"{name} is told {told}, and {entries.get(name)} is written"
    if journal and row[1] != journal[-1][1]:
        return f"the row is {row[1]}, and the last entry went to {journal[-1][1]}"
    return None
