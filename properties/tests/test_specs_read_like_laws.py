"""Each file of `specs` states one law, and what an assumption leans on is there."""

import ast
import importlib
from pathlib import Path

import pytest

from properties.__main__ import SPECS, law_names
from properties.durability.workloads import durability_laws
from properties.known import LEDGER
from properties.law import law_of

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("name", law_names())
def test_a_law_states_its_sentence(name: str) -> None:
    """One sentence, ended, in one line; and an assumption says so in its name."""
    law = law_of(importlib.import_module(f"properties.specs.test_{name}"))
    assert law.name == name
    assert law.sentence.endswith("."), law.sentence
    assert name.startswith("assume_") == (law.leans_on is not None)


@pytest.mark.parametrize("name", [name for name in law_names() if name.startswith("assume_")])
def test_the_line_that_leans_on_it_exists(name: str) -> None:
    """`file: Name.name` names a definition of ours; anything else says whose users lean on it."""
    leans_on = law_of(importlib.import_module(f"properties.specs.test_{name}")).leans_on or ""
    path, _, dotted = leans_on.partition(": ")
    if path.startswith("users of "):
        return
    scope: ast.AST = ast.parse((ROOT / path).read_text("utf-8"))
    for part in dotted.split("."):
        scope = next(
            node
            for node in ast.iter_child_nodes(scope)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.name == part
        )


def test_the_ledger_names_laws_that_exist() -> None:
    """A law that is renamed takes its ledger line along."""
    assert SPECS.is_dir()
    named = {
        line.partition('"')[2].rstrip('"')
        for line in LEDGER.read_text("utf-8").splitlines()
        if line.startswith("law = ")
    }
    assert set() == named - set(law_names()) - set(durability_laws())
