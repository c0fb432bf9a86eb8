"""What a failed assertion says is kept, what pytest adds for its author is not."""

import pytest

from properties.history import Operation, timeline
from properties.subjects import Answer, AnswerKind, Request
from properties.text import told


def test_the_values_stay_and_their_origins_go() -> None:
    """The comparison is what a reader needs."""

    def answer() -> int:
        return 41

    with pytest.raises(AssertionError) as caught:
        assert 42 == answer(), "the answer is off"
    assert "where" in str(caught.value)
    with pytest.raises(AssertionError) as bare:
        assert all([answer() == 42]), "the answer is off"
    assert "the answer is off" == told(bare.value)
    assert "the answer is off\nassert 42 == 41" == told(caught.value)


def test_what_every_law_held_after_is_counted_and_not_shown() -> None:
    """A race that was judged has an alibi; the one that was not yet judged has none."""
    asked = Request(attempt_id="a", file_path="f", event="e")
    ended = Answer(kind=AnswerKind.CANCELLED)
    race = [Operation("worker", asked, begin=at, end=at + 1, answer=ended) for at in (1, 3, 6)]
    told = timeline(race, settled_at=5).splitlines()
    assert "    …  4 moments, after which every law held" == told[0]
    assert ["    6  a          -> e 'f'", "    7  a          <- cancelled"] == told[1:]
    assert 6 == len(timeline(race).splitlines())
