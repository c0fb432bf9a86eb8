"""Each import contract of pyproject.toml catches what it is there for.

Shown on a small tree of the same shape, under the contracts of this checkout: kept when every
import is an allowed one, broken one by one by the imports that must never be.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reports.session import ROOT

ALLOWED = {
    "fsmcore/__init__.py": "import asyncio, fsmcore.connections, fsmcore.adapters.statemachine",
    "fsmcore/connections/__init__.py": "from fsmcore.connections import per_transition",
    "fsmcore/connections/per_transition.py": "import aiosqlite",
    "fsmcore/adapters/__init__.py": "",
    "fsmcore/adapters/statemachine.py": "from statemachine.exceptions import StateMachineError",
    "fsmcore/tests/__init__.py": "",
    "fsmcore/tests/test_it.py": "import fsmcore, pytest",
    "properties/__init__.py": "",
    "properties/rules.py": "import fsmcore, hypothesis, aiosqlite\nfrom reports import schema",
    "properties/session.py": "from reports.documents.files import append_to_step_summary",
    "properties/behaviour/__init__.py": "",
    "properties/behaviour/machines.py": "import statemachine, aiosqlite",
    **{
        f"properties/{name}/__init__.py": ""
        for name in (
            *("crashes", "durability", "faults", "history"),
            *("probes", "simulation", "specs", "subjects"),
        )
    },
    "properties/mutants/__init__.py": "import properties.subjects, properties.rules",
    "properties/tests/__init__.py": "",
    "properties/tests/patched/__init__.py": "",
    "properties/tests/patched/machine.py": "import statemachine",
    "properties/specs/test_it.py": "import statemachine, properties.rules",
    "benchmarks/__init__.py": "",
    "benchmarks/ladder.py": "import fsmcore, properties.rules\nimport reports.schema, aiosqlite",
    "benchmarks/__main__.py": "from reports.documents.files import append_to_step_summary",
    "reports/__init__.py": "",
    "reports/documents/__init__.py": "",
    "reports/documents/files.py": "import html, msgspec, reports.load, reports.schema",
    "reports/load.py": "from reports import schema",
    "reports/schema/__init__.py": "from reports.schema import parts",
    "reports/schema/parts.py": "import json, msgspec.json",
    "reports/gate.py": "import rich, subprocess\nfrom reports import schema",
}

FORBIDDEN = [
    ("fsmcore/tests/test_it.py", "import properties.rules", "fsmcore.tests.test_it -> properties"),
    ("fsmcore/locks.py", "import hypothesis", "fsmcore.locks imports hypothesis"),
    ("fsmcore/locks.py", "import aiosqlitepool", "fsmcore.locks imports aiosqlitepool"),
    ("fsmcore/store.py", "import aiosqlite", "fsmcore.store -> aiosqlite"),
    ("fsmcore/store.py", "from statemachine import State", "fsmcore.store -> statemachine"),
    ("properties/rules.py", "import statemachine", "properties.rules -> statemachine"),
    (
        "properties/faults/__init__.py",
        "import properties.mutants",
        "properties.faults -> properties.mutants",
    ),
    ("benchmarks/ladder.py", "import statemachine", "benchmarks.ladder -> statemachine"),
    ("properties/rules.py", "import reports.gate", "properties.rules -> reports.gate"),
    ("properties/rules.py", "import benchmarks.ladder", "properties.rules -> benchmarks.ladder"),
    ("benchmarks/ladder.py", "from reports import gate", "benchmarks.ladder -> reports.gate"),
    ("reports/documents/files.py", "import rich", "reports.documents.files imports rich"),
    ("properties/rules.py", "import reports.documents", "properties.rules -> reports.documents"),
    ("reports/gate.py", "from fsmcore import store", "reports.gate -> fsmcore"),
    ("reports/gate.py", "import properties", "reports.gate -> properties"),
    ("reports/schema/parts.py", "import rich", "reports.schema.parts imports rich"),
    ("reports/schema/parts.py", "import reports.gate", "reports.schema.parts imports reports.gate"),
]


def _lint_imports(tree: Path) -> tuple[int, str]:
    (tree / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    shutil.copy(ROOT / "reports" / "contracts.py", tree / "reports" / "contracts.py")
    code = "from importlinter.cli import lint_imports_command as main; main()"
    command = [sys.executable, "-c", code, "--no-cache", "--no-logo"]
    ended = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return ended.returncode, " ".join((ended.stdout + ended.stderr).split())


def _contract_count() -> int:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return len(settings["tool"]["importlinter"]["contracts"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The packages, each with one module that imports all it may."""
    for name, text in ALLOWED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def test_every_allowed_import_is_kept(tree: Path) -> None:
    """A contract that is broken by what the design wants would soon be switched off."""
    code, said = _lint_imports(tree)
    assert (code, f"Contracts: {_contract_count()} kept, 0 broken." in said) == (0, True), said


def test_every_contract_is_broken_by_what_it_forbids(tree: Path) -> None:
    """All forbidden imports at once: each is named, and no contract stays kept."""
    for name, line, _ in FORBIDDEN:
        with (tree / name).open("a") as module:
            module.write(line + "\n")
    code, said = _lint_imports(tree)
    missed = [expected for _, _, expected in FORBIDDEN if expected not in said]
    assert (code, missed) == (1, []), said
    assert f"Contracts: 0 kept, {_contract_count()} broken." in said
