"""A stale writer never wins: each version of a file was written by exactly one attempt.

The compare-and-set names the version that was read, so of all who read it one can move the row.
Acknowledged attempts must therefore carry pairwise different versions, each its own in the
journal, if there is one. Not claimed: which of them wins. A WHERE clause without the version, or a
row count that nobody looks at, breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence


def judge(evidence: Evidence) -> None:
    """Compare what callers were told with what the journal holds."""
    winners: dict[tuple[str, int], str] = {}
    for operation in evidence.operations:
        answer = operation.answer
        if answer is None or not answer.kind.says_moved:
            continue
        has_journal = evidence.snapshot.has_journal
        if answer.version is None:
            assert has_journal, (
                f"{operation.attempt_id} was told no version, and there is no journal"
            )
            continue
        version = (operation.request.file_path, answer.version)
        first = winners.setdefault(version, operation.attempt_id)
        assert first == operation.attempt_id, f"{first} won {version} too"
        entry = evidence.snapshot.entry_of(operation.attempt_id)
        written = None if entry is None else (entry.file_path, entry.version)
        assert not has_journal or written == version, (
            f"{operation.attempt_id} was told {version}, journal: {written}"
        )


def test_each_version_has_one_winner(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
