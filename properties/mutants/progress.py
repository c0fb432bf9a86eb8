"""What is already known, in a file to which each finished trial adds a line.

A line is written whole and flushed before the next trial is counted, so a kill costs what was
under way. The first line says which code and which versions the rest is about: nothing else may go
on from there. A last line that is torn is left out.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from properties.environment import environment
from properties.mutants.trials import Result, Trial
from properties.session import ROOT

_FOLDERS = ("fsmcore", "properties")


class Progress:
    """The results by trial. ``close`` removes the file: what is finished is measured anew."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier call with the same code has left, and open the file for more."""
        self._path = path
        self.known: dict[bytes, Result] = {}
        header = msgspec.json.encode(
            {"code": _digest(), "versions": environment().versions()}, order="sorted"
        )
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        if lines and lines[0] == header:
            for line in lines[1:-1]:
                result = msgspec.json.decode(line, type=Result)
                self.known[_key(result.trial)] = result
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            for line in (header, *map(msgspec.json.encode, self.known.values())):
                file.write(line + b"\n")
        beside.replace(path)
        self._file = path.open("ab", buffering=0)

    def of(self, trial: Trial) -> Result | None:
        """Return the result of a trial, if it is known."""
        return self.known.get(_key(trial))

    def add(self, result: Result) -> None:
        """Keep a result."""
        self.known[_key(result.trial)] = result
        self._file.write(msgspec.json.encode(result) + b"\n")

    def close(self, *, is_finished: bool) -> None:
        """Close the file, and remove it when all is done."""
        self._file.close()
        if is_finished:
            self._path.unlink(missing_ok=True)


def _key(trial: Trial) -> bytes:
    return msgspec.json.encode(trial)


def _digest() -> str:
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        for directory, _, names in sorted(os.walk(ROOT / folder)):
            for name in sorted(names):
                path = Path(directory, name)
                if path.suffix in (".py", ".toml", ".json") and "tests" not in path.parts:
                    digest.update(path.relative_to(ROOT).as_posix().encode())
                    digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
