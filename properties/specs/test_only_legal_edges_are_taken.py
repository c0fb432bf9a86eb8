"""Only legal edges are taken: the journal walks the lifecycle, and versions rise by one.

Judged with a table of edges that shares no code with the machine. Each step was asked for, by the
attempt whose id it bears, on that file, by that event. An edge too many, a wrong target, another
edge than was asked for, a skipped version or a row that is not where its journal ends breaks it.
Without a journal the answers are judged, and the rows: so many steps must lead to such a state.
"""

from collections.abc import Callable

from properties.rules import Evidence


def judge(evidence: Evidence) -> None:
    """Walk every file's journal from the start to the row."""
    shot = evidence.snapshot
    assert shot.integrity == "ok", shot.integrity
    if not shot.has_journal:
        _judge_answers_and_rows(evidence)
        return
    asked_for = {
        each.attempt_id: (each.request.file_path, each.request.event)
        for each in evidence.operations
    }
    for entry in shot.journal:
        assert entry.file_path in shot.rows, f"{entry}: there is no such file"
        asked = asked_for.get(entry.attempt_id)
        assert asked == (entry.file_path, entry.event), f"{entry}: asked for was {asked}"
    for file_path, (state, version) in shot.rows.items():
        here, at = evidence.lifecycle.initial, 0
        for entry in shot.of_file(file_path):
            assert entry.version == at + 1, f"{file_path}: version {entry.version} follows {at}"
            assert entry.from_state == here, f"{file_path}: {entry} leaves a state it is not in"
            target = evidence.lifecycle.target(here, entry.event)
            assert entry.to_state == target, f"{file_path}: {entry}"
            here, at = entry.to_state, entry.version
        assert (state, version) == (here, at), (
            f"{file_path}: row {state, version} is not {here, at}"
        )


def _judge_answers_and_rows(evidence: Evidence) -> None:
    lifecycle = evidence.lifecycle
    for operation in evidence.operations:
        answer = operation.answer
        if answer is None or not answer.kind.says_moved or answer.from_state is None:
            continue
        target = lifecycle.target(answer.from_state, operation.request.event)
        told = f"{operation.attempt_id} was told {answer.from_state!r} to {answer.to_state!r}"
        assert answer.to_state == target, f"{told} by {operation.request.event!r}"
    for file_path, (state, version) in evidence.snapshot.rows.items():
        reached = lifecycle.states_after(version)
        assert state in reached, (
            f"{file_path}: {version} steps lead to {sorted(reached)}: {state!r}"
        )


def test_the_journal_walks_the_lifecycle(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
