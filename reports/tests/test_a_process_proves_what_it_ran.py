"""The proof from inside a measured process fits what the installer recorded, or is refused."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from reports import evidence
from reports.environments import Builder, BuiltEnvironment
from reports.processes import clean_environ
from reports.schema import Environment

PROVE = (
    "import sys, {imports}, msgspec\n"
    "from properties.environment import environment\n"
    "proof = environment(database='/dev/shm', hypothesis_profile='gate')\n"
    "sys.stdout.buffer.write(msgspec.json.encode(proof))"
)


@pytest.fixture
def built(builder: Builder) -> BuiltEnvironment:
    return builder.build(builder.lock_requirements())


def prove(
    built: BuiltEnvironment, checkout: Path, imports: str = "planted", **extra: str
) -> Environment:
    ended = subprocess.run(
        [str(built.python), "-c", PROVE.format(imports=imports)],
        cwd=checkout,
        env=clean_environ(**extra),
        capture_output=True,
        check=True,
    )
    return msgspec.json.decode(ended.stdout, type=Environment)


def test_an_honest_process_contradicts_nothing(built: BuiltEnvironment, checkout: Path) -> None:
    """Inside and outside agree on versions and on every file's digest."""
    proof = prove(built, checkout)
    assert [] == evidence.contradictions(proof, built.installed)
    planted = proof.library("planted")
    assert planted is not None
    assert ("1.0", "planted", 1) == (planted.version, planted.location, planted.file_count)
    assert planted.sha256 == built.installed["planted"].sha256
    assert proof.cpu_affinity == sorted(os.sched_getaffinity(0))
    assert ("tmpfs", "gate") == (proof.database_filesystem, proof.hypothesis_profile)


def test_a_library_that_was_not_imported_proves_nothing(
    built: BuiltEnvironment, checkout: Path
) -> None:
    """A library that no process imported is named, so that its silence is no pass."""
    proof = prove(built, checkout, imports="json")
    assert ["planted"] == evidence.not_imported([proof], ["planted", "msgspec"])
    assert [] == evidence.not_imported([proof, prove(built, checkout)], ["planted"])


@pytest.mark.parametrize(("imports", "left"), [("json", ["pytest"]), ("pytest", [])])
def test_a_library_that_is_always_named_proves_nothing_either(
    imports: str, left: list[str]
) -> None:
    """It stands in every record with its version; whether a process has used it stands beside."""
    ended = subprocess.run(
        [sys.executable, "-c", PROVE.format(imports=imports)],
        cwd=Path(evidence.__file__).parents[1],
        env=clean_environ(),
        capture_output=True,
        check=True,
    )
    proof = msgspec.json.decode(ended.stdout, type=Environment)
    assert proof.library("pytest") is not None
    assert left == evidence.not_imported([proof], ["pytest"])


def test_a_changed_file_is_seen(built: BuiltEnvironment, checkout: Path) -> None:
    """One added line in an installed file, or one more file, and the proof does not fit."""
    package = next(built.folder.glob("lib/*/site-packages/planted"))
    source = (package / "__init__.py").read_text()
    try:
        (package / "__init__.py").write_text(source + "# changed\n")
        changed = evidence.contradictions(prove(built, checkout), built.installed)
        (package / "__init__.py").write_text(source)
        (package / "more.py").write_text("")
        added = evidence.contradictions(prove(built, checkout), built.installed)
    finally:
        (package / "__init__.py").write_text(source)
        (package / "more.py").unlink(missing_ok=True)
    expected = ["the files of planted 1.0 are not those that were installed"]
    assert (expected, expected) == (changed, added)
    assert [] == evidence.contradictions(prove(built, checkout), built.installed)


def test_a_library_from_elsewhere_is_seen(
    built: BuiltEnvironment, checkout: Path, tmp_path: Path
) -> None:
    """A copy earlier on the path is not what was installed, whatever its version says."""
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "__init__.py").write_text("def work(): return 0\n")
    proof = prove(built, checkout, PYTHONPATH=str(tmp_path))
    assert ["planted was imported from outside its environment"] == evidence.contradictions(
        proof, built.installed
    )


def test_another_environment_is_seen(builder: Builder, checkout: Path) -> None:
    """A process of one environment does not pass for a process of another."""
    one, two = builder.build(builder.lock_requirements()), builder.build("planted==2.0\nmsgspec\n")
    assert ["planted 1.0 was imported, 2.0 was installed"] == evidence.contradictions(
        prove(one, checkout), two.installed
    )
    assert ["planted 2.0 was imported, but never installed there"] == evidence.contradictions(
        prove(two, checkout), {"msgspec": two.installed["msgspec"]}
    )


def test_no_proof_is_no_proof() -> None:
    """A record without an environment is not believed."""
    assert ["it proved nothing about what it ran"] == evidence.contradictions(None, {})
