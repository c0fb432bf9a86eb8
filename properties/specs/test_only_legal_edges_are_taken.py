"""Only legal edges are taken: the journal walks the lifecycle, and versions rise by one.

Judged with a table of edges that shares no code with the machine. Each step was asked for, by the
attempt whose id it bears, on that file, by that event. An edge too many, a wrong target, another
edge than was asked for, a skipped version or a row that is not where its journal ends breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence, model
from properties.subjects import Offer

NEEDS = frozenset({Offer.JOURNAL})


def judge(evidence: Evidence) -> None:
    """Walk every file's journal from the start to the row."""
    shot = evidence.snapshot
    assert shot.integrity == "ok", shot.integrity
    asked_for = {
        each.attempt_id: (each.request.file_path, each.request.event)
        for each in evidence.operations
    }
    for entry in shot.journal:
        assert entry.file_path in shot.rows, f"{entry}: there is no such file"
        asked = asked_for.get(entry.attempt_id)
        assert asked == (entry.file_path, entry.event), f"{entry}: asked for was {asked}"
    for file_path, (state, version) in shot.rows.items():
        here, at = model.INITIAL, 0
        for entry in shot.of_file(file_path):
            assert entry.version == at + 1, f"{file_path}: version {entry.version} follows {at}"
            assert entry.from_state == here, f"{file_path}: {entry} leaves a state it is not in"
            assert entry.to_state == model.target(here, entry.event), f"{file_path}: {entry}"
            here, at = entry.to_state, entry.version
        assert (state, version) == (here, at), (
            f"{file_path}: row {state, version} is not {here, at}"
        )


def test_the_journal_walks_the_lifecycle(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
