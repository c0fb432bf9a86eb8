"""The laws of the machine as functions: every spec that has a ``judge``."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from properties.law import Law, law_of, not_offered
from properties.rules import Judge
from properties.subjects.protocol import EVERYTHING, Offer

SPECS = Path(__file__).resolve().parent.parent / "specs"


def machine_judges(offers: frozenset[Offer] = EVERYTHING) -> dict[str, Judge]:
    """Return the judges, by law, of what a subject with these offers can be asked."""
    return {
        law.name: judge for law, judge in _laws() if not_offered(law, "the subject", offers) is None
    }


def laws_not_offered(offers: frozenset[Offer]) -> dict[str, str]:
    """Return the laws of the machine that such a subject cannot be asked, each with the reason."""
    reasons = {law.name: not_offered(law, "", offers) for law, _ in _laws()}
    return {name: why.strip() for name, why in reasons.items() if why is not None}


@functools.cache
def _laws() -> list[tuple[Law, Judge]]:
    # Only the files that define a judge are imported.
    names = sorted(
        path.stem for path in SPECS.glob("test_*.py") if "\ndef judge(" in path.read_text("utf-8")
    )
    modules = [importlib.import_module(f"properties.specs.{name}") for name in names]
    return [(law_of(module), module.judge) for module in modules]
