"""What is already known, in a file to which each finished trial adds a line.

A line is written whole and flushed before the next trial is counted, so a kill costs what was
under way. A last line that is torn is left out.

What a result depends on is its key: the trial itself (the laws in their order, the seed, the caps),
the versions, and a digest of the code. That covers every module of `fsmcore` and `properties` that
was imported before the first fork, the laws included, but of the mutants only the file that the
trial's own stands in, and nothing that only sums up and prints. A module of `fsmcore` that nobody
has imported changes nothing, nor do tests, documents and ledgers. So a session goes on after a
commit that touches none of it, and asks again only what it does touch.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from properties.environment import environment
from properties.mutants.trials import Result, Trial

_CODE = ("fsmcore", "properties")
_MUTANTS = ("properties.mutants.bugs.", "properties.mutants.tricky.")
_REPORTS = frozenset(
    f"properties.mutants.{name}"
    for name in ("__main__", "bars", "discovery", "documents", "kills", "order", "page", "progress")
) | {"properties.mutants.tables"}
"""They choose the trials, which are in the key themselves, or say what came of them."""


class _Line(msgspec.Struct, frozen=True):
    depends_on: str
    result: Result


class Progress:
    """The results by trial. ``close`` removes the file: what is finished is measured anew."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier call has left, and open the file for more.

        Made when everything that the trials need is imported.
        """
        self._path = path
        self._common = _digest(common_modules())
        self._versions = msgspec.json.encode(environment().versions(), order="sorted")
        self._own: dict[str, str] = {}
        self.known: dict[bytes, Result] = {}
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        kept = [line for line in lines if self._is_still_so(line)]
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_bytes(b"".join(line + b"\n" for line in kept))
        beside.replace(path)
        self._file = path.open("ab", buffering=0)

    def _is_still_so(self, line: bytes) -> bool:
        try:
            known = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError:
            return False  # of an earlier form of this file
        if known.depends_on != self._depends_on(known.result.trial):
            return False
        self.known[_key(known.result.trial)] = known.result
        return True

    def _depends_on(self, trial: Trial) -> str:
        module, is_of_a_module, _ = trial.subject.partition(":")
        if module not in self._own:
            whole = (self._common, _digest([module]) if is_of_a_module else "")
            self._own[module] = _short(b"".join([self._versions, *map(str.encode, whole)]))
        return self._own[module]

    def of(self, trial: Trial) -> Result | None:
        """Return the result of a trial, if it is known."""
        return self.known.get(_key(trial))

    def add(self, result: Result) -> None:
        """Keep a result."""
        self.known[_key(result.trial)] = result
        line = _Line(self._depends_on(result.trial), result)
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self, *, is_finished: bool) -> None:
        """Close the file, and remove it when all is done."""
        self._file.close()
        if is_finished:
            self._path.unlink(missing_ok=True)


def common_modules() -> list[str]:
    """Return what is imported now and may change the result of any trial."""
    return [name for name in sys.modules if name not in _REPORTS and not name.startswith(_MUTANTS)]


def _key(trial: Trial) -> bytes:
    return msgspec.json.encode(trial)


def _digest(modules: Iterable[str]) -> str:
    """Return the digest of the sources of those among ``modules`` that are ours and imported."""
    digest = hashlib.sha256()
    for name in sorted(modules):
        file = getattr(sys.modules.get(name), "__file__", None)
        if name.partition(".")[0] in _CODE and file is not None:
            digest.update(name.encode())
            digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:16]


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
