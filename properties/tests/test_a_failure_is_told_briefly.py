"""What a failed assertion says is kept, what pytest adds for its author is not."""

import pytest

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
