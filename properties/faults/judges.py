"""The laws of the machine as functions: every spec that has a ``judge``."""

from __future__ import annotations

import importlib
from pathlib import Path

from properties.law import law_of
from properties.rules import Judge
from properties.subjects.protocol import EVERYTHING, Offer

SPECS = Path(__file__).resolve().parent.parent / "specs"


def machine_judges(offers: frozenset[Offer] = EVERYTHING) -> dict[str, Judge]:
    """Return the judges, by law, of what a subject with these offers can be asked.

    Only the files that define a judge are imported.
    """
    names = sorted(
        path.stem for path in SPECS.glob("test_*.py") if "\ndef judge(" in path.read_text("utf-8")
    )
    modules = [importlib.import_module(f"properties.specs.{name}") for name in names]
    laws = [(law_of(module), module) for module in modules]
    return {law.name: module.judge for law, module in laws if law.needs <= offers}
