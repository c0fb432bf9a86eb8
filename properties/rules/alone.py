"""Who was alone: no other operation overlaps, and nothing was made to happen."""

from __future__ import annotations

from properties.history import Operation
from properties.subjects import AnswerKind


def is_alone(operation: Operation, operations: list[Operation]) -> bool:
    """Say whether what an attempt was told is its own doing. Who was cut off was not alone."""
    if operation.answer is None or operation.end is None or operation.marks:
        return False
    if operation.kind is AnswerKind.CANCELLED:
        return False
    return not any(
        other is not operation and other.overlaps(operation.begin, operation.end)
        for other in operations
    )
