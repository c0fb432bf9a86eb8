"""What a mutant is, and all that there are: each registers itself where it is written."""

from __future__ import annotations

import contextlib
import enum
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fsmcore.store import utc_now
from properties.mutants.patch import Patch, PatchError
from properties.subjects import CORE_SUBJECTS, TRIES, Subject

if TYPE_CHECKING:
    from types import ModuleType


class Family(enum.Enum):
    """What a mutant is about."""

    WHERE = "WHERE clause and row count"
    TRANSACTION = "transaction"
    MACHINE = "machine"
    ENTITLED = "guards, expected versions, callbacks"
    RETRY = "retry"
    EVENT_LOG = "event log"
    OUTCOMES = "unknown outcomes"
    READS = "reads"
    LOCKS = "locks and waiters"
    LEAKS = "cancellation and leaks"
    CLOSING = "opening and closing"
    DURABILITY = "durability"
    KEYS = "keys and text"


Change = Callable[[Patch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A subject: one of ours with one change of the core.

    ``laws`` are those that must catch it (none: it is correct, though it may not look so),
    ``realistic`` says how somebody comes to write it, ``shows`` the least schedule or fault that
    shows it. Calling it changes the core for the rest of the process.
    """

    name: str
    module: str
    sentence: str
    family: Family
    laws: tuple[str, ...]
    realistic: str
    shows: str
    subject: str
    change: Change

    @property
    def is_correct(self) -> bool:
        """Whether every law must hold."""
        return not self.laws

    @property
    def subject_name(self) -> str:
        """What ``nox -s properties -- --subject`` takes."""
        return f"{self.module}:{self.name}"

    def setup(self) -> str:
        """Change the core, and return whose scenarios of the simulation are this subject's."""
        self.apply()
        return self.subject

    def __call__(self, *, tries: int = TRIES, now: Callable[[], datetime] = utc_now) -> Subject:
        """Change the core if that is not done, and return a fresh subject; see ``Subject``."""
        self.apply()
        made = CORE_SUBJECTS[self.subject](tries=tries, now=now)  # type: ignore[call-arg]
        made.name = self.name
        return made

    def apply(self) -> None:
        """Change the core for good. Raises ``PatchError`` when another mutant has."""
        global _applied
        if _applied is None:
            self._changed()
            _applied = self.name
        elif _applied != self.name:
            raise PatchError(f"{self.name}: this process is already {_applied}; one a process")

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Change the core inside the block."""
        global _applied
        if _applied is not None:
            raise PatchError(f"{self.name}: this process is already {_applied}; one a process")
        patch = self._changed()
        _applied = self.name
        try:
            yield
        finally:
            _applied = None
            patch.undo()

    def _changed(self) -> Patch:
        patch = Patch(self.name)
        try:
            self.change(patch)
            if not patch.count:
                raise PatchError(f"{self.name} changes nothing")
        except BaseException:
            patch.undo()
            raise
        return patch


_applied: str | None = None
_MUTANTS: dict[str, Mutant] = {}


def mutant(
    *,
    family: Family,
    laws: tuple[str, ...],
    realistic: str,
    shows: str,
    subject: str = "handrolled-unlocked",
) -> Callable[[Change], Mutant]:
    """Register a bug: the function below changes the core, its docstring says what is wrong."""
    if not laws:
        raise ValueError("a bug names the laws that must catch it.")
    return lambda change: _registered(change, family, laws, realistic, shows, subject)


def tricky(
    *, family: Family, realistic: str, shows: str, subject: str = "handrolled-unlocked"
) -> Callable[[Change], Mutant]:
    """Register a change that is correct; ``shows`` says why no law may fail."""
    return lambda change: _registered(change, family, (), realistic, shows, subject)


def _registered(
    change: Change,
    family: Family,
    laws: tuple[str, ...],
    realistic: str,
    shows: str,
    subject: str,
) -> Mutant:
    made = Mutant(
        name=change.__name__,
        module=change.__module__,
        sentence=" ".join((change.__doc__ or "").split()),
        family=family,
        laws=laws,
        realistic=realistic,
        shows=shows,
        subject=subject,
        change=change,
    )
    other = _MUTANTS.setdefault(made.name, made)
    if other.module != made.module:
        raise ValueError(f"two mutants are named {made.name}: {other.module} and {made.module}")
    return made


def all_mutants() -> dict[str, Mutant]:
    """Return every mutant by name: the bugs, and the tricky ones that are none."""
    from properties.mutants import bugs, tricky

    for package in (bugs, tricky):
        _import_all(package)
    return dict(_MUTANTS)


def _import_all(package: ModuleType) -> None:
    for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(each.name)
