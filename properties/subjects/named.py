"""Subjects by name: ours, and ``MODULE:FACTORY`` for anybody else's."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from typing import Any

from properties.subjects.core import CORE_SUBJECTS
from properties.subjects.lifecycle import FILES
from properties.subjects.protocol import TRIES, Offer, Subject, SubjectFactory

PROTOCOL = tuple(Subject.__annotations__) + tuple(
    name for name, what in vars(Subject).items() if inspect.isfunction(what) and name[0] != "_"
)
"""What a subject must have."""
OF_FILES = frozenset({Offer.V9, Offer.SCENARIOS})
"""What only a subject with the lifecycle of files can offer: its laws name the states."""


class Foreign:
    """Somebody's factory, imported when it is first looked at or called."""

    def __init__(self, module: str, factory: str) -> None:
        """Import nothing yet."""
        self._module, self._factory = module, factory

    @property
    def __signature__(self) -> inspect.Signature:
        """What it takes: who has no clock to set is not given one."""
        return inspect.signature(self._made())

    def __call__(self, **options: Any) -> Any:
        """Make a subject."""
        return self._made()(**options)

    def setup(self) -> str:
        """Return whose scenarios of the simulation are this subject's; see ``Offer.SCENARIOS``."""
        found: str = self._made().setup()
        return found

    def _made(self) -> Any:
        return getattr(importlib.import_module(self._module), self._factory)


class NotASubjectError(Exception):
    """``MODULE:FACTORY`` makes nothing that can be judged; the message says why."""


def require_subject(name: str) -> None:
    """Make one of somebody's subjects, touch no file; raises ``NotASubjectError``."""
    module_name, _, factory_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise NotASubjectError(f"{module_name} cannot be imported: {error!r}") from error
    if not callable(getattr(module, factory_name, None)):
        made_here = [
            each
            for each, what in vars(module).items()
            if callable(what) and getattr(what, "__module__", None) == module_name
        ]
        has = ", ".join(made_here) or "no factory of its own"
        raise NotASubjectError(f"{module_name} has no factory {factory_name!r}; it has {has}")
    try:
        subject = subject_named(name)(tries=TRIES)
    except Exception as error:
        raise NotASubjectError(f"{name} cannot be made: {error!r}") from error
    lacking = [each for each in PROTOCOL if not hasattr(subject, each)]
    if lacking:
        kind = type(subject).__name__
        raise NotASubjectError(f"{name} makes a {kind}, which has no {', '.join(lacking)}")
    for offer in OF_FILES & subject.offers:
        if subject.lifecycle != FILES:
            raise NotASubjectError(f"{name} offers {offer.value}, and has another lifecycle")


def is_foreign(name: str) -> bool:
    """Whether a subject of this name is somebody else's."""
    return ":" in name


def subject_named(name: str) -> SubjectFactory:
    """Return a factory, which is among ``CORE_SUBJECTS`` from then on; raises ``KeyError``.

    A module is looked for and not imported yet: it may import Hypothesis, which pytest must do
    first.
    """
    if name not in CORE_SUBJECTS:
        module, _, factory = name.partition(":")
        try:
            is_there = bool(factory) and importlib.util.find_spec(module) is not None
        except (ModuleNotFoundError, ValueError):
            is_there = False
        if not is_there:
            raise KeyError(name)
        CORE_SUBJECTS[name] = Foreign(module, factory)
    return CORE_SUBJECTS[name]
