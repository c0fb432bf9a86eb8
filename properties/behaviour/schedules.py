"""Schedules of the core under the simulation: every database call, its result, and who waited.

The first side walks by chance and records its choices; the other replays them. A schedule that
does not fit the other side any more is told as such: what can be chosen has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from properties.behaviour.notebook import text_of
from properties.simulation import corpus
from properties.simulation.budget import Budget
from properties.simulation.scenario import Scenario, Trial
from properties.simulation.scenarios import scenario
from properties.simulation.scheduler import HarnessError, Scheduler
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.transcript import CallText, Event, Failure, Kind
from reports.schema import Observation, Scene

LIBRARY = "aiosqlite and python-statemachine"
WALKED = (("store-2", 0), ("machine-3", 0), ("chain-2", 0), ("cut-off-2", 1), ("occ-retry-2", 0))
"""Scenarios by name, and how many cancellations a walk of each may spend."""
WALKS = 4
"""Random walks of each scenario, after the polite one."""


def recorded(seed: int) -> dict[str, Scene]:
    """Walk every scenario; returns what was seen by the token of each schedule."""
    found: dict[str, Scene] = {}
    for name, cancellations in WALKED:
        played = scenario(name)
        budget = Budget(cancellations=cancellations)
        polite: Scheduler = PoliteScheduler()
        random = RandomScheduler(seed, fault_count=cancellations)
        with Stage(played) as stage:
            for number in range(1 + WALKS):
                trial = stage.run(random if number else polite, budget)
                token = corpus.entry(trial, budget, is_minimal=False).token
                found[token] = _scene(played, token, trial)
    return found


def replayed(tokens: Sequence[str]) -> list[Scene]:
    """Replay schedules by their tokens."""
    return [_replayed(token) for token in tokens]


def _replayed(token: str) -> Scene:
    entry = corpus.from_token(token)
    played = scenario(entry.scenario)
    scheduler = ReplayScheduler(entry.deviations)
    with Stage(played) as stage:
        try:
            trial = stage.run(scheduler, entry.spend(Budget()))
            scheduler.require_fit()
        except HarnessError as error:
            return Scene(name=_name(token), when=_when(played), library=LIBRARY, problem=str(error))
    return _scene(played, token, trial)


def _scene(played: Scenario, token: str, trial: Trial) -> Scene:
    events = trial.run.transcript.events
    return Scene(
        name=_name(token),
        when=_when(played),
        library=LIBRARY,
        observations=[
            *_observations(events),
            Observation(event="the end", fields={"is": text_of(str(trial.outcome))}),
        ],
        counts=dict(_counts(events)),
    )


def _name(token: str) -> str:
    return f"schedule {token}"


def _when(played: Scenario) -> str:
    return f"in the scenario {played.name}"


def _observations(events: Iterable[Event]) -> Iterator[Observation]:
    for event in events:
        fields: dict[str, str] = {}
        if event.kind is Kind.CALL and isinstance(event.what, CallText):
            name = event.what.operation
            if event.what.sql is not None:
                name = f"{name} {_verb(event.what.sql)}"
                fields["runs"] = " ".join(event.what.sql.split())
            if event.what.parameters:
                fields["binds"] = text_of(event.what.parameters)
        elif event.kind in {Kind.LAND, Kind.CHOICE}:
            continue
        else:
            name = f"{event.kind.value}: {event.what}"
        if isinstance(event.result, Failure):
            fields["raises"] = " ".join(filter(None, (event.result.type_name, event.result.code)))
            fields["says"] = event.result.message
        elif event.result is not None:
            fields["returns"] = text_of(event.result)
        yield Observation(event=name, fields=fields, actor=event.actor)


def _verb(sql: str) -> str:
    words = sql.split()
    return " ".join(words[:2]) if words[:1] == ["BEGIN"] else words[0] if words else ""


def _counts(events: Iterable[Event]) -> Iterator[tuple[str, int]]:
    """The exact counts of one schedule; a name that does not occur counts 0."""
    counted: Counter[str] = Counter({"SQL statements": 0, "connects": 0, "hops": 0, "timers": 0})
    for event in events:
        if event.kind is Kind.CALL and isinstance(event.what, CallText):
            counted["SQL statements"] += event.what.sql is not None
            counted["connects"] += event.what.operation == "connect"
        counted["hops"] += event.kind is Kind.LAND
        counted["timers"] += event.kind is Kind.CLOCK
    yield from counted.items()
