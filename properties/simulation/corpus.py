"""Failing schedules as readable JSON, kept for ever and replayed first."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from properties.rules import workload
from properties.simulation.budget import Budget
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import scenario
from properties.simulation.scheduler import HarnessError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "corpus"
FOUND_FOLDER = ROOT / "reports" / "out" / "counterexamples"

_SPENDABLE = ("cancellations", "early_clocks", "overlaps", "fault_count")


class NoScheduleError(HarnessError):
    """What was given is no schedule of a scenario that there is; says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One schedule. ``breaks`` is what it broke when it was recorded; None: the law held.

    ``outcome`` is what it came to then; None for a token, which records neither.
    ``does`` names what each deviation did, so that a schedule that no longer fits is noticed.
    """

    scenario: str
    sentence: str
    deviations: dict[int, int]
    does: dict[int, str]
    budget: dict[str, int]
    breaks: str | None
    outcome: str | None
    is_minimal: bool

    def spend(self, own: Budget) -> Budget:
        """Return the scenario's own budget with what this schedule spends instead."""
        known = {each.name: getattr(own, each.name) for each in fields(Budget)}
        return Budget(**{**known, **self.budget})

    @property
    def token(self) -> str:
        """The same schedule on one line, for ``nox -s replay -- TOKEN``."""
        spent = "".join(f"/{name}={number}" for name, number in self.budget.items())
        places = ",".join(f"{index}:{choice}" for index, choice in self.deviations.items())
        return f"{self.scenario}{spent}@{places}"


def entry(trial: Trial, budget: Budget, *, is_minimal: bool) -> Entry:
    """Return what is worth keeping of a trial."""
    return Entry(
        scenario=trial.scenario.name,
        sentence=trial.scenario.sentence,
        deviations=trial.run.deviations,
        does={index: trial.run.descriptions[index] for index in trial.run.deviations},
        budget={name: getattr(budget, name) for name in _SPENDABLE if getattr(budget, name)},
        breaks=trial.violation,
        outcome=str(trial.outcome),
        is_minimal=is_minimal,
    )


def write(found: Entry, folder: Path = FOLDER) -> Path:
    """Write an entry, ready to be committed; return its path."""
    places = "-".join(f"{index}.{choice}" for index, choice in found.deviations.items())
    path = folder / f"{_short_name(found)}-{places or 'polite'}.json"
    folder.mkdir(parents=True, exist_ok=True)
    schedule = [
        {"at": index, "choose": choice, "does": found.does.get(index, "")}
        for index, choice in found.deviations.items()
    ]
    content: dict[str, Any] = {
        **_what_runs(found.scenario),
        "sentence": found.sentence,
        "breaks": found.breaks,
        "outcome": found.outcome,
        "minimal": found.is_minimal,
        "budget": found.budget,
        "schedule": schedule,
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def keep(found: Entry) -> str | None:
    """Write a new counterexample, to be moved into the corpus; return its path from the checkout.

    None where nothing can be written: the token says the same.
    """
    try:
        return str(write(found, FOUND_FOLDER).relative_to(ROOT))
    except OSError:
        return None


def read(path: Path) -> Entry:
    """Read an entry; raises ``NoScheduleError`` that says what is wrong with the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schedule = content["schedule"]
        found = Entry(
            scenario=_name_of(content),
            sentence=content["sentence"],
            deviations={int(step["at"]): int(step["choose"]) for step in schedule},
            does={int(step["at"]): str(step["does"]) for step in schedule if step["does"]},
            budget={str(name): int(number) for name, number in content["budget"].items()},
            breaks=content["breaks"],
            outcome=str(content["outcome"]),
            is_minimal=content["minimal"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoScheduleError(f"{path.name}: no schedule of the corpus ({error!r}).") from error
    return _checked(found, path.name)


def from_token(token: str) -> Entry:
    """Read the one-line form; raises ``NoScheduleError``."""
    try:
        what, _, places = token.partition("@")
        name, *spent = what.split("/")
        budget = {key: int(number) for key, number in (each.split("=") for each in spent)}
        pairs = (each.split(":") for each in places.split(",") if each)
        deviations = {int(index): int(choice) for index, choice in pairs}
    except ValueError as error:
        raise NoScheduleError(
            f"{token!r} is no schedule: write SCENARIO[/cancellations=1]@POINT:CHOICE,..."
        ) from error
    found = Entry(
        scenario=name,
        sentence="",
        deviations=deviations,
        does={},
        budget=budget,
        breaks=None,
        outcome=None,
        is_minimal=False,
    )
    return _checked(found, repr(token))


def _what_runs(name: str) -> dict[str, Any]:
    asked = workload.from_name(name)
    if asked is None:
        return {"scenario": name}
    return {"subject": asked.subject, "workload": asked.content()}


def _name_of(content: dict[str, Any]) -> str:
    if "workload" not in content:
        return str(content["scenario"])
    asked = workload.from_content(content["subject"], content["workload"])
    if asked is None:
        raise ValueError("no workload of the rules")
    return asked.name


def _short_name(found: Entry) -> str:
    """Return a file's name: that of a workload holds all of it, and would be too long."""
    asked = workload.from_name(found.scenario)
    if asked is None:
        return found.scenario
    digest = hashlib.sha256(asked.name.encode()).hexdigest()[:8]
    law = (found.breaks or "holds").partition(":")[0]
    return f"{asked.subject}-{law}-{digest}"


def _checked(found: Entry, where: str) -> Entry:
    try:
        scenario(found.scenario, breaks=found.breaks)
    except KeyError as error:
        raise NoScheduleError(f"{where}: {error.args[0]}") from None
    unknown = sorted(set(found.budget) - set(_SPENDABLE))
    if unknown:
        can = ", ".join(_SPENDABLE)
        raise NoScheduleError(f"{where}: no budget {unknown[0]!r}; a schedule can spend {can}.")
    if min([0, *found.deviations, *found.deviations.values(), *found.budget.values()]) < 0:
        raise NoScheduleError(f"{where}: a schedule counts from 0; a number in it is negative.")
    return found


def entries(folder: Path = FOLDER) -> list[tuple[Path, Entry]]:
    """Return every entry of the corpus, by name."""
    return [(path, read(path)) for path in sorted(folder.glob("*.json"))]
