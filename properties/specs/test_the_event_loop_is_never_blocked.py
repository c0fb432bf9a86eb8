"""The event loop is never blocked: no statement, connect or sleep runs on its thread.

Judged by where work runs, not by how long it takes: each connect, sleep and statement says on which
thread it is. Holds while an attempt succeeds, is refused, meets a locked database and
gives up. A blocking sleep in a retry, or sqlite3 used straight from a coroutine, breaks it.
"""

import asyncio

from properties.probes import LoopThreadProbe
from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.V9})


def test_blocking_work_runs_elsewhere(make_subject: SubjectFactory) -> None:
    """One of each: success, refusal, a locked database."""
    told = []

    async def use(path: str) -> list[str]:
        subject = make_subject()
        with LoopThreadProbe() as probe:
            await subject.make(path)
        found = probe.findings()
        outsider = Outsider(path)
        try:
            with probe:
                await subject.seed("f")
                for number, event in enumerate(("start_upload", "start_upload")):
                    asked = Request(attempt_id=f"a{number}", file_path="f", event=event)
                    told.append((await subject.attempt(asked)).kind)
            found += probe.findings()
            assert probe.saw_statements(), "the probe is blind: it saw no statement anywhere"
            assert outsider.take_the_lock(None)
            with probe:
                asked = Request(attempt_id="a2", file_path="f", event="complete_upload")
                told.append((await subject.attempt(asked)).kind)
            found += probe.findings()
        finally:
            outsider.close()
            await subject.close()
        return found

    with scratch_folder() as folder:
        assert [] == asyncio.run(use(f"{folder}/files.db"))
    assert [AnswerKind.SUCCESS, AnswerKind.NOT_ALLOWED, AnswerKind.BUSY] == told
