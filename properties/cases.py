"""Drawn cases kept as values, so that another run can meet the very same ones.

Another release of Hypothesis draws other cases from the same seed, and reads what its database
holds otherwise. A value is the same to both: plain data, and our own frozen dataclasses and enums,
one JSON line a case. Only classes of this package are made of what stands there.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

OURS = "properties."
_TAG = "is"


class NoCaseError(Exception):
    """What stands in a file is no case of ours, or cannot be one; the message says why."""


class Cases:
    """What is drawn, noted where it is asked for; and what was drawn elsewhere."""

    def __init__(self) -> None:
        """Note nothing; draw."""
        self._noted: TextIO | None = None
        self._given: dict[str, list[Any]] | None = None

    def note_in(self, path: Path) -> None:
        """Write every case from now on, each at once: who is killed leaves what was met."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._noted = path.open("w", encoding="utf-8", buffering=1)

    def close(self) -> None:
        """Note nothing any more."""
        if self._noted is not None:
            self._noted.close()
            self._noted = None

    def take_from(self, path: Path) -> None:
        """Meet these cases and draw none; raises ``NoCaseError`` or ``OSError``.

        A last line that was cut off is left out. What the lines say is made later: classes of ours
        may import Hypothesis, which pytest wants to do first.
        """
        given: dict[str, list[Any]] = {}
        for line in path.read_text(encoding="utf-8").rpartition("\n")[0].split("\n"):
            try:
                told = json.loads(line)
                given.setdefault(told["of"], []).append(told["case"])
            except (ValueError, TypeError, KeyError) as error:
                raise NoCaseError(f"{path.name}: no case: {line[:100]!r}") from error
        self._given = given

    def note(self, of: str, case: object) -> None:
        """Keep one case; ``of`` says of which question."""
        if self._noted is not None:
            self._noted.write(json.dumps({"of": of, "case": content_of(case)}) + "\n")

    def given(self, of: str) -> Sequence[Any] | None:
        """Return the cases to be met, or None where they are to be drawn."""
        if self._given is None:
            return None
        return [value_of(each) for each in self._given.get(of, [])]


def content_of(case: object) -> Any:  # JSON
    """Return what JSON can hold of a case; raises ``NoCaseError`` for what is no plain value."""
    if case is None or (
        isinstance(case, bool | int | float | str) and not isinstance(case, enum.Enum)
    ):
        return case
    if isinstance(case, list):
        return [content_of(each) for each in case]
    if isinstance(case, tuple | set):
        members = case if isinstance(case, tuple) else sorted(case)
        return {_TAG: type(case).__name__, "of": [content_of(each) for each in members]}
    if isinstance(case, dict):
        return {_TAG: "dict", "of": [[key, content_of(each)] for key, each in case.items()]}
    made = type(case)
    where = f"{made.__module__}:{made.__qualname__}"
    if isinstance(case, enum.Enum) and where.startswith(OURS):
        return {_TAG: where, "of": case.name}
    if dataclasses.is_dataclass(made) and where.startswith(OURS):
        named = [field.name for field in dataclasses.fields(made) if field.init]
        return {_TAG: where, "of": {name: content_of(getattr(case, name)) for name in named}}
    raise NoCaseError(f"a case of {where} cannot be kept")


def value_of(content: Any) -> Any:  # what `content_of` has made, and what it was made of
    """Return the case again, of plain data and classes of ours alone; raises ``NoCaseError``."""
    if isinstance(content, list):
        return [value_of(each) for each in content]
    if not isinstance(content, dict):
        return content
    where, held = str(content.get(_TAG)), content.get("of", ())
    plain = {"tuple": tuple, "set": set, "dict": dict}.get(where)
    if plain is not None:
        return plain(value_of(each) for each in held)
    module, _, name = where.partition(":")
    if not module.startswith(OURS):
        raise NoCaseError(f"{where} is no class of ours")
    made = getattr(importlib.import_module(module), name, None)
    if isinstance(made, type) and issubclass(made, enum.Enum):
        return made[held]
    if isinstance(made, type) and dataclasses.is_dataclass(made):
        return made(**{name: value_of(each) for name, each in held.items()})
    raise NoCaseError(f"{where} is no class of ours")
