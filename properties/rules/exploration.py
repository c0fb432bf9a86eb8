"""One exploration of a subject, shared by all laws that judge it."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis.stateful import run_state_machine_as_test

from properties.rules.contention import ContentionRules, Script
from properties.rules.court import Court, Evidence, Judge, LawBrokenError
from properties.rules.troubles import TOUR

if TYPE_CHECKING:
    from hypothesis import settings

    from properties.simulation.corpus import Entry
    from properties.subjects import SubjectFactory


@dataclass(slots=True)
class Exploration:
    """What came of it: broken laws with their counterexamples, or the harness's own failure.

    ``entries`` are the counterexamples that can be replayed, ``evidence`` what broke each law.
    ``is_cut``: it ended at the first broken law, and the others are neither kept nor broken.
    """

    broken: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    harness_error: str | None = None
    is_cut: bool = False
    tally: Counter[str] = field(default_factory=Counter)


def explore(
    factory: SubjectFactory,
    judges: dict[str, Judge],
    settings: settings,
    tally: Counter[str] | None = None,
    *,
    until_broken: bool = False,
    noted: Callable[[Script], None] = lambda _: None,
    given: Sequence[Script] | None = None,
) -> Exploration:
    """Drive the subject until the examples are used up; a broken law leaves the court, and on.

    So one broken law hides no other, unless ``until_broken`` ends it at the first. ``tally`` counts
    what happened, live. What is drawn is ``noted``; what is ``given`` was drawn elsewhere and takes
    its place: the same rules with the same values, in races that are the machine's own again.
    """
    found = Exploration(tally=Counter() if tally is None else tally)
    remaining = dict(judges)
    while True:
        court = Court(dict(remaining))
        namespace = {"make_subject": staticmethod(factory), "court": court, "tally": found.tally}
        machine = type("Contention", (ContentionRules,), namespace)
        try:
            _tour(machine)
            # Not the tour, which is always the same.
            machine = type("Contention", (machine,), {"noted": staticmethod(noted)})
            if given is None:
                run_state_machine_as_test(machine, settings=settings)
            for script in given or ():
                _follow(machine, script)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            if not court.verdicts:
                found.harness_error = "".join(traceback.format_exception(error))
                break
            reproduced = "" if _is_law(error) else "Seen on real time; it did not come back.\n"
            for law, text in court.verdicts.items():
                found.broken[law] = reproduced + text
                found.evidence[law] = court.broken_by[law]
                del remaining[law]
            found.is_cut = until_broken
            if remaining and not until_broken:
                continue
        if remaining and not court.hearings and not found.harness_error:
            found.harness_error = "the court heard nothing: no step made news"
        break
    return found


def _tour(machine: type[ContentionRules]) -> None:
    """Let a worker who is alone meet each trouble; systematic first, random second."""
    for work in TOUR:
        rules = machine()
        try:
            rules.a_worker_is_alone(work=work)
            rules.every_law_holds()
        finally:
            rules.teardown()


def _follow(machine: type[ContentionRules], script: Script) -> None:
    rules = machine()
    try:
        for name, values in script:
            getattr(rules, name)(**values)
            rules.every_law_holds()
    finally:
        rules.teardown()


def _is_law(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_law(each) for each in error.exceptions)
    return isinstance(error, LawBrokenError)
