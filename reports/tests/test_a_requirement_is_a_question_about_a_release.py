"""Only a name of the lock with a version reaches the resolver; all else is refused in words."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from reports import requirements
from reports.session import UsageError

LOCKED = {"aiosqlite": "0.22.1", "python-statemachine": "2.6.0"}

PYPROJECT = """
[project]
dependencies = ["aiosqlite>=0.17,<0.23", "python-statemachine>=2.3,<3.3"]
[dependency-groups]
properties = ["hypothesis>=6.100"]
benchmarks = [{ include-group = "properties" }, "pytest-benchmark>=5.1"]
other = ["rich"]
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no requirement"),
        ("aiosqlite==", "is no requirement"),
        ("aiosqlite===", "names no version"),
        ("foo===", "names no version"),
        ("--index-url=http://evil", "is no requirement"),
        ("-r requirements.txt", "is no requirement"),
        ("./wheel.whl", "is no requirement"),
        ("aiosqlite==0.20.0\n--index-url=http://evil", "is no requirement"),
        ("aiosqlite @ https://evil/a.whl", "names an address"),
        ("aiosqlite @ file:///a.whl", "names an address"),
        ("aiosqlite==0.20.0; python_version > '3'", "has a marker or an extra"),
        ("aiosqlite[docs]==0.20.0", "has a marker or an extra"),
        ("requests==2.0", "is not part of this project"),
    ],
)
def test_what_is_no_question_is_refused(text: str, words: str) -> None:
    """Each wrong text has its sentence, and the sentence says what to write instead."""
    with pytest.raises(UsageError, match=words) as caught:
        requirements.parse([text], locked=LOCKED)
    assert "Write" in str(caught.value) or "Ask" in str(caught.value) or "Only" in str(caught.value)


def test_one_name_twice_is_refused_however_it_is_spelt() -> None:
    """Two requirements for one library are no two questions."""
    with pytest.raises(UsageError, match="asked for twice"):
        requirements.parse(["python_StateMachine>3", "python-statemachine<3.2"], locked=LOCKED)


def test_the_question_replaces_our_own_bounds_and_nothing_else() -> None:
    """An asked library loses its published bounds; the others keep theirs."""
    asked = requirements.parse(["Python.Statemachine == 2.2.0"], locked=LOCKED)
    direct = [*map(Requirement, ["aiosqlite<0.23", "python-statemachine>=2.3"])]
    expected = "aiosqlite<0.23\nPython.Statemachine==2.2.0\n"
    assert expected == requirements.resolver_input(direct, asked)


def test_groups_are_followed_into_each_other(tmp_path: Path) -> None:
    """A measured environment asks for the core's dependencies and the group with its parts."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    names = [each.name for each in requirements.direct_requirements(tmp_path / "pyproject.toml")]
    assert ["aiosqlite", "python-statemachine", "hypothesis", "pytest-benchmark"] == names


def test_pins_are_read_without_their_hashes_and_markers() -> None:
    """A resolved file gives names and versions."""
    text = "aiosqlite==0.22.1 \\\n    --hash=sha256:00\ncolorama==0.4.6 ; sys_platform == 'x'\n"
    assert {"aiosqlite": "0.22.1", "colorama": "0.4.6"} == requirements.pins(text)
