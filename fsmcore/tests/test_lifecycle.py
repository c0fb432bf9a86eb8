"""A lifecycle is checked when it is made, and then answers in constant time."""

from __future__ import annotations

from typing import Any

import pytest

from fsmcore import FILE_LIFECYCLE, DefinitionError, Edge, Lifecycle, UnknownEventError

GOOD: dict[str, Any] = {
    "states": ("a", "b"),
    "initial": "a",
    "finals": frozenset({"b"}),
    "edges": (Edge("a", "go", "b"),),
}


def test_the_file_lifecycle_has_five_states_and_five_events() -> None:
    """The shipped lifecycle is the one that the seed was built for."""
    assert ("untracked", "uploading", "processing", "indexed", "failed") == FILE_LIFECYCLE.states
    assert FILE_LIFECYCLE.events == (
        "start_upload",
        "complete_upload",
        "complete_processing",
        "fail_upload",
        "fail_processing",
    )


def test_a_target_is_found_by_state_and_event() -> None:
    """An edge leads where it says, and an event that is not allowed leads nowhere."""
    assert "uploading" == FILE_LIFECYCLE.target("untracked", "start_upload")
    assert None is FILE_LIFECYCLE.target("indexed", "start_upload")
    assert ("complete_upload", "fail_upload") == FILE_LIFECYCLE.allowed("uploading")


def test_an_unknown_event_names_the_nearest_one() -> None:
    """A misspelt event is answered with the event that was meant."""
    with pytest.raises(UnknownEventError, match=r"Did you mean 'start_upload'\?") as caught:
        FILE_LIFECYCLE.target("untracked", "start_uplaod")
    assert FILE_LIFECYCLE.events == tuple(dict.fromkeys(FILE_LIFECYCLE.events))
    assert tuple(sorted(FILE_LIFECYCLE.events)) == caught.value.events


NO_FILE = "holds a lone surrogate or a NUL, which does not survive a file"


def _told(change: dict[str, Any]) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        Lifecycle(**{**GOOD, **change})
    head, _, sentences = str(caught.value).partition(": ")
    assert ("lifecycle", ".") == (head, sentences[-1])
    return sentences[:-1].split("; ")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"states": ("a", "b", "a")}, "a state is named twice"),
        ({"initial": "x"}, "the initial state 'x' is not among the states"),
        ({"finals": frozenset({"x"})}, "the final state 'x' is not among the states"),
        ({"edges": ()}, "there is no edge"),
        ({"edges": (Edge("a", "go", "x"),)}, "'go' touches 'x', which is not among the states"),
        (
            {"edges": (Edge("a", "go", "b"), Edge("b", "on", "a"))},
            "'on' leaves the final state 'b'",
        ),
        ({"edges": (Edge("a", "go", "b"), Edge("a", "go", "a"))}, "'go' leaves 'a' twice"),
        ({"states": ("a", "b", "c")}, "'c' cannot be reached from 'a'"),
        ({"edges": (Edge("a", "", "b"),)}, "'' is no name: use non-empty text"),
        ({"states": ("a", 5)}, "5 is no name: use non-empty text"),
        ({"edges": (Edge("a", "g\0", "b"),)}, rf"'g\x00' {NO_FILE}"),
        ({"edges": (Edge("a", "\ud800", "b"),)}, rf"'\ud800' {NO_FILE}"),
    ],
)
def test_a_contradiction_is_named(change: dict[str, Any], sentence: str) -> None:
    """Each contradiction is refused before any file is touched, in words."""
    assert sentence in _told(change)


def test_every_contradiction_is_named_at_once() -> None:
    """Two mistakes are told in one error, and names that cannot be compared in any order."""
    unknown = "the initial state 'x' is not among the states"
    assert [unknown, "there is no edge"] == _told({"initial": "x", "edges": ()})[:2]
    finals = _told({"finals": frozenset({"x", 5, "b"})})
    assert [f"the final state {name} is not among the states" for name in ("'x'", 5)] == finals


def test_a_lifecycle_may_be_given_as_lists_and_sets() -> None:
    """What was given as a list or a set is frozen, so that the lifecycle can be hashed."""
    loose = Lifecycle(states=["a", "b"], initial="a", finals={"b"}, edges=[Edge("a", "go", "b")])  # type: ignore[arg-type]
    assert Lifecycle(**GOOD) == loose
    assert hash(Lifecycle(**GOOD)) == hash(loose)
