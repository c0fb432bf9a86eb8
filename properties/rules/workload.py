"""What a simulated example asks for, as a value: attempts that arrive, and when all have ended.

A workload has a name that holds all of it, so that its schedule replays by a token; and the same
as readable JSON, for the corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from properties.rules.troubles import Trouble
from properties.subjects import FILES, Place

PREFIX = "rules"
FILE_COUNT = 2
LETTERS = "abcdefgh"

_TROUBLES = ("raises", "waits", "is cancelled", "is overtaken", "is locked out")
_PLACES = {place.value.replace(" ", "_"): place for place in Place}
_TROUBLE = re.compile(rf"({'|'.join(_PLACES)})-([a-z_]+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One attempt. When it begins is up to the schedule, as when a request arrives."""

    event: str
    file_index: int = 0
    guard_says: bool = True
    expected_version: int | None = None
    troubles: tuple[Trouble, ...] = ()

    @property
    def name(self) -> str:
        """All of it, in letters that a shell leaves alone."""
        parts = [self.event, str(self.file_index)]
        parts += [] if self.guard_says else ["no"]
        parts += [] if self.expected_version is None else [f"v{self.expected_version}"]
        for each in self.troubles:
            place, what = each.place.value.replace(" ", "_"), each.what.replace(" ", "_")
            parts.append(f"{place}-{what}" + (f"-{each.size}" if each.size else ""))
        return "~".join(parts)

    def content(self) -> dict[str, Any]:
        """The same for a reader; what is left out is the default."""
        told: dict[str, Any] = {"event": self.event, "file": self.file_index}
        if not self.guard_says:
            told["guard"] = "says no"
        if self.expected_version is not None:
            told["expected version"] = self.expected_version
        if self.troubles:
            told["on the way"] = [
                f"{each.place.value}: {each.what}" + (f" {each.size}" if each.size else "")
                for each in self.troubles
            ]
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Phases of attempts on a few files. Those of one phase may be in flight together.

    The next phase begins when all have ended and nothing is under way any more.
    """

    subject: str
    phases: tuple[tuple[Arrival, ...], ...]

    @property
    def name(self) -> str:
        """What finds this workload again."""
        phases = "+".join(",".join(each.name for each in phase) for phase in self.phases)
        return f"{PREFIX}.{self.subject}.{phases}"

    @property
    def sentence(self) -> str:
        """One line for a reader."""
        count = sum(map(len, self.phases))
        return f"{count} attempts in {len(self.phases)} phases, on {self.subject}."

    def content(self) -> list[list[dict[str, Any]]]:
        """The phases as JSON."""
        return [[each.content() for each in phase] for phase in self.phases]


def from_name(name: str) -> Workload | None:
    """Return the workload that ``name`` says, or None when it says none."""
    prefix, _, rest = name.partition(".")
    subject, _, text = rest.rpartition(".")
    if prefix != PREFIX or not subject:
        return None
    phases = [[_arrival(each) for each in phase.split(",") if each] for phase in text.split("+")]
    return _workload(subject, phases)


def from_content(subject: str, phases: Sequence[Sequence[dict[str, Any]]]) -> Workload | None:
    """Return the workload that the JSON says, or None when it says none."""
    return _workload(subject, [[_read(each) for each in phase] for phase in phases])


def _workload(subject: str, phases: Sequence[Sequence[Arrival | None]]) -> Workload | None:
    known = tuple(tuple(each for each in phase if each is not None) for phase in phases)
    is_whole = all(len(known[index]) == len(phase) for index, phase in enumerate(phases))
    if not is_whole or not all(known) or sum(map(len, known)) > len(LETTERS):
        return None
    return Workload(subject=subject, phases=known)


def _arrival(text: str) -> Arrival | None:
    event, *parts = text.split("~")
    if event not in FILES.events or not parts or not parts[0].isdecimal():
        return None
    guard_says, expected, troubles = True, None, []
    for part in parts[1:]:
        if part == "no":
            guard_says = False
        elif part[:1] == "v" and part[1:].isdecimal():
            expected = int(part[1:])
        else:
            trouble = _trouble(part)
            if trouble is None:
                return None
            troubles.append(trouble)
    return Arrival(
        event=event,
        file_index=int(parts[0]) % FILE_COUNT,
        guard_says=guard_says,
        expected_version=expected,
        troubles=tuple(troubles),
    )


def _trouble(text: str) -> Trouble | None:
    found = _TROUBLE.fullmatch(text)
    if found is None or found[2].replace("_", " ") not in _TROUBLES:
        return None
    return Trouble(_PLACES[found[1]], found[2].replace("_", " "), int(found[3] or 0))


def _read(content: dict[str, Any]) -> Arrival | None:
    parts = [str(content["event"]), str(content["file"])]
    parts += ["no"] if content.get("guard") == "says no" else []
    parts += [f"v{content['expected version']}"] if "expected version" in content else []
    for told in content.get("on the way", ()):
        place, _, what = str(told).partition(": ")
        words = re.sub(r" (\d+)$", r"-\1", what).replace(" ", "_")
        parts.append(f"{place.replace(' ', '_')}-{words}")
    return _arrival("~".join(parts))
