"""What stands in the cache is complete, and what could not be built leaves nothing."""

import os
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from reports import environments, evidence, requirements
from reports.environments import Builder, EnvironmentUnavailableError
from reports.session import UsageError
from reports.tests import stand_in

KEPT = {".gitignore", "cells", "clocks", "environments", "gates", "wheels"}
"""What the tests that share the cache may have made."""


def left_behind(builder: Builder) -> list[str]:
    """Everything in the cache that is no finished environment, cell or wheel, no stopped gate."""
    if not builder.cache.exists():
        return []
    return sorted(set(os.listdir(builder.cache)) - KEPT)


def finished(builder: Builder) -> list[str]:
    home = builder.cache / "environments"
    return sorted(os.listdir(home)) if home.exists() else []


def test_the_candidate_is_the_lock_moved_only_where_asked(builder: Builder) -> None:
    """The lock holds everything else, and what differs is listed from both environments."""
    lock = builder.lock_requirements()
    asked = {"planted": Requirement("planted==2.0")}
    baseline, candidate = (
        builder.build(text) for text in (lock, builder.candidate_requirements(lock, asked))
    )
    changes = evidence.changes(baseline.installed, candidate.installed, asked)
    assert [("planted", "1.0", "2.0", True)] == [
        (row.name, row.baseline, row.candidate, row.was_asked) for row in changes
    ]
    assert {"msgspec", "planted", "unused"} == set(baseline.installed)
    assert [] == left_behind(builder)
    assert builder.build(lock).folder == baseline.folder


def test_what_came_along_is_told(builder: Builder) -> None:
    """A transitive change is a change, and one that nobody asked for."""
    one = evidence.Installed(name="a", version="1", sha256="x", file_count=1)
    two = evidence.Installed(name="a", version="1", sha256="y", file_count=1)
    rows = evidence.changes({"a": one, "b": one}, {"a": two, "c": one}, ["c"])
    assert [("c", None, "1", True), ("a", "1", "1", False), ("b", "1", None, False)] == [
        (row.name, row.baseline, row.candidate, row.was_asked) for row in rows
    ]


def test_the_newest_release_is_asked_for_by_name_alone(builder: Builder) -> None:
    """A requirement without a version does not stay at the lock's."""
    lock = builder.lock_requirements()
    asked = {"planted": Requirement("planted")}
    newest = max(stand_in.RELEASES, key=Version)
    assert newest == requirements.pins(builder.candidate_requirements(lock, asked))["planted"]


def test_no_such_release_is_a_usage_error_and_leaves_nothing(builder: Builder) -> None:
    """A release that no index has is the question's fault."""
    before = finished(builder)
    lock = builder.lock_requirements()
    with pytest.raises(UsageError, match=r"there is no version of planted==0\.0\.0"):
        builder.candidate_requirements(lock, {"planted": Requirement("planted==0.0.0")})
    assert ([], before) == (left_behind(builder), finished(builder))


def test_an_index_out_of_reach_is_invalid_and_says_so(
    builder: Builder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without an index nothing can be judged, which is nobody's failure."""
    lock = builder.lock_requirements()
    for name in ("UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(EnvironmentUnavailableError, match="no package index could be reached"):
        builder.candidate_requirements(lock, {"planted": Requirement("planted==2.0")})


def test_a_build_that_fails_leaves_nothing(builder: Builder) -> None:
    """A wheel that vanished between resolving and installing leaves no half environment."""
    before = finished(builder)
    with pytest.raises((EnvironmentUnavailableError, UsageError)):
        builder.build("planted==9.9\n")
    assert ([], before) == (left_behind(builder), finished(builder))


def test_an_interrupted_build_leaves_nothing(builder: Builder, checkout: Path) -> None:
    """Ctrl-C in the middle of a build is cleaned up like any failure."""
    before = finished(builder)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    interrupted = Builder(root=checkout, cache=builder.cache, pulse=interrupt)
    slow = "planted==1.0 ; python_version > '3'\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.processes.PULSE_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            interrupted.build(slow)
    assert ([], before) == (left_behind(builder), finished(builder))


def test_a_damaged_environment_is_named(builder: Builder) -> None:
    """An environment that lost its interpreter is not used; the message says what to remove."""
    built = builder.build("planted==1.1\n")
    built.python.unlink()
    try:
        with pytest.raises(EnvironmentUnavailableError, match="damaged"):
            builder.build("planted==1.1\n")
    finally:
        shutil.rmtree(built.folder)


def test_uvs_explanation_is_told_as_one_sentence() -> None:
    """Both ways in which uv draws its errors read the same."""
    old = "  \u00d7 No solution found when resolving dependencies:\n  ╰─▶ Because x is not, y.\n"
    new = "error: No solution found when resolving\n  cause: Because x is not, y.\n"
    assert "Because x is not, y" == environments.explain(old) == environments.explain(new)
    assert "disk on fire" == environments.explain("error: disk on fire\n")
