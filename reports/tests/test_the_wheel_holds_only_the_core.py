"""What is built is what should ship: the findings of `reports.wheel` and `reports.lowest`."""

from email.message import Message
from pathlib import Path

import pytest

from reports import lowest, wheel

SHOULD_SHIP = {"fsmcore/__init__.py", "fsmcore/adapters/handrolled.py", "fsmcore/py.typed"}
DIST_INFO = {"fsmcore-0.1.0.dist-info/METADATA", "fsmcore-0.1.0.dist-info/licenses/LICENSE"}
PROJECT = {
    "name": "fsmcore",
    "version": "0.1.0",
    "requires-python": ">=3.11",
    "license": "MIT",
    "dependencies": ["aiosqlite>=0.17,<0.23", "python-statemachine>=2.3,<3.3"],
}


def test_the_core_without_its_tests_should_ship(tmp_path: Path) -> None:
    """Modules and the typing marker ship; tests, caches and left-over databases do not."""
    package = tmp_path / "fsmcore"
    litter = {"fsmcore/tests/test_it.py", "fsmcore/a/tests/b.py", "fsmcore/x.pyc", "fsmcore/x.db"}
    for name in SHOULD_SHIP | litter:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert wheel.should_ship(package) == SHOULD_SHIP


def test_a_right_wheel_has_no_findings() -> None:
    """The package and its metadata folder are all that there is."""
    assert wheel.wheel_findings(SHOULD_SHIP | DIST_INFO, SHOULD_SHIP) == []


@pytest.mark.parametrize(
    "stranger",
    ["properties/__init__.py", "fsmcore/tests/test_it.py", "docs.py", "x.dist-info.py"],
)
def test_a_stranger_in_the_wheel_is_found(stranger: str) -> None:
    """Whatever is neither the package nor its metadata is named."""
    findings = wheel.wheel_findings(SHOULD_SHIP | DIST_INFO | {stranger}, SHOULD_SHIP)
    assert findings == [f"the wheel must not hold {stranger}"]


def test_a_module_that_is_missing_from_the_wheel_is_found() -> None:
    """A wheel that lacks a module imports until that module is needed."""
    names = SHOULD_SHIP - {"fsmcore/adapters/handrolled.py"}
    findings = wheel.wheel_findings(names, SHOULD_SHIP)
    assert findings == ["the wheel lacks fsmcore/adapters/handrolled.py"]


def test_a_typing_marker_that_exists_nowhere_is_found() -> None:
    """Also when the checkout has lost the marker, so that nothing expects it."""
    names = SHOULD_SHIP - {"fsmcore/py.typed"}
    findings = wheel.wheel_findings(names, names)
    assert findings == ["without fsmcore/py.typed no type checker believes the annotations"]


def test_an_sdist_with_the_judge_in_it_is_found() -> None:
    """The sdist holds the core and what is needed to build it."""
    names = {f"fsmcore-0.1.0/{name}" for name in wheel.SDIST_HOLDS}
    assert wheel.sdist_findings(names) == []
    names |= {"fsmcore-0.1.0/properties/__init__.py"}
    assert wheel.sdist_findings(names) == ["the sdist must not hold properties"]
    names -= {"fsmcore-0.1.0/LICENSE", "fsmcore-0.1.0/properties/__init__.py"}
    assert wheel.sdist_findings(names) == ["the sdist lacks LICENSE"]


def _metadata(*requirements: str) -> Message:
    message = Message()
    message["Name"] = "fsmcore"
    message["Version"] = "0.1.0"
    message["Requires-Python"] = ">=3.11"
    message["License-Expression"] = "MIT"
    for each in requirements:
        message["Requires-Dist"] = each
    return message


def test_metadata_in_another_order_are_the_same() -> None:
    """Build back ends sort and rewrite requirements."""
    metadata = _metadata("python-statemachine<3.3,>=2.3", "aiosqlite <0.23, >=0.17")
    assert wheel.metadata_findings(metadata, PROJECT) == []


def test_a_production_pin_in_the_metadata_is_found() -> None:
    """The lock's exact versions must never be published."""
    metadata = _metadata("aiosqlite==0.22.1", "python-statemachine>=2.3,<3.3")
    (finding,) = wheel.metadata_findings(metadata, PROJECT)
    assert finding.startswith("the metadata say Requires-Dist ['aiosqlite==0.22.1'")


def test_the_lowest_versions_are_the_published_bounds() -> None:
    """One truth: what `minimums` installs is read from what is published."""
    text = '[project]\ndependencies = ["aiosqlite>=0.17,<0.23", "python-statemachine>=2.3"]\n'
    assert lowest.lower_bounds(text) == {"aiosqlite": "0.17", "python-statemachine": "2.3"}


@pytest.mark.parametrize("dependency", ["aiosqlite", "aiosqlite<1", "aiosqlite>0.16"])
def test_a_dependency_without_a_lower_bound_is_refused(dependency: str) -> None:
    """Without a bound there is no lowest version to run."""
    with pytest.raises(ValueError, match="needs exactly one >= bound"):
        lowest.lower_bounds(f'[project]\ndependencies = ["{dependency}"]\n')
