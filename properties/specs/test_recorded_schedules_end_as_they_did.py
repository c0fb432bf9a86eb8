"""Recorded schedules end as they did: each counterexample of the corpus still shows its bug.

The corpus holds the smallest failing schedules that were found, of subjects broken on purpose too.
Replayed choice by choice under the simulation, a schedule must still fit the code and end in the
law's failure that it was kept for; one that does not fit any more is unknown, never a pass. Asked
first, because it takes no time and says at once whether the judge can still see.
"""

from pathlib import Path

import pytest

from properties.simulation import corpus
from properties.simulation.replay import complaint, replayed

ENTRIES = corpus.entries()


@pytest.mark.parametrize(("path", "entry"), ENTRIES, ids=[path.stem for path, _ in ENTRIES])
def test_a_recorded_schedule_ends_as_it_did(path: Path, entry: corpus.Entry) -> None:
    """On the inline carrier, twice, with identical transcripts."""
    found = complaint(entry, replayed(entry))
    assert found is None, f"{path.name}: {found}"


def test_there_are_recorded_schedules() -> None:
    """An empty corpus would hold everything."""
    assert ENTRIES
