"""What is known of the laws before all were asked, so that a run that is killed leaves it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from properties.environment import environment
from properties.known import KnownDefect, with_known
from properties.recording import Recorder
from reports import schema
from reports.schema import LawsRecord, RecordNotWrittenError, Verdict

EVERY_S = 4.0


def keeper(
    recorder: Recorder,
    path: Path,
    *,
    profile: str,
    seed: int,
    command: str,
    defects: dict[str, KnownDefect],
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], None]:
    """Return what writes the laws that are settled to ``path``, at most every ``EVERY_S``.

    The record says of itself that it is partial and *unknown*. One that cannot be written is left
    out: the last one, at the end, is not forgiven.
    """
    written_s = clock()

    def keep() -> None:
        nonlocal written_s
        if clock() - written_s < EVERY_S:
            return
        laws = [law for law in recorder.records(command) if recorder.is_settled(law)]
        here = environment(hypothesis_profile=profile)
        record = LawsRecord(
            name="properties",
            verdict=Verdict.UNKNOWN,
            summary=f"{len(laws)} of {recorder.question_count} questions were asked so far",
            versions=here.versions(),
            environment=here,
            profile=profile,
            seed=seed,
            laws=with_known(laws, defects),
            is_partial=True,
        )
        with contextlib.suppress(RecordNotWrittenError):
            schema.write(path, record)
        written_s = clock()

    return keep
