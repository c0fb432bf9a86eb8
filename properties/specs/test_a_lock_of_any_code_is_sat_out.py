"""A lock of any code is sat out: whoever meets a lock once tries again, whatever SQLite calls it.

The code that sqlite3 shows is the extended one: BUSY, BUSY_RECOVERY while another process replays
the log, BUSY_SNAPSHOT for an upgrade that came too late (https://sqlite.org/rescode.html). A
comparison with the plain code alone takes a lock for a failure.
"""

import asyncio

import pytest

from properties.faults.disk import SQLITE_SHM_UNLOCK, why_no_vfs
from properties.faults.operations import Decision, Kind, Operation
from properties.faults.vfs import Shim
from properties.recording import RECORDER
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, Subject, SubjectFactory

NEEDS = frozenset({Offer.WAL})

CODES = {"BUSY": 5, "BUSY_RECOVERY": 261, "BUSY_SNAPSHOT": 517}
MOST_LOCKS = 12


class _Once:
    """Refuses one lock of the shared memory: the ``nth`` after it was armed."""

    def __init__(self, code: int) -> None:
        self.left = 0
        self.refused = 0
        self._code = code

    def __call__(self, operation: Operation) -> Decision:
        if operation.kind is not Kind.SHM_LOCK or operation.flags & SQLITE_SHM_UNLOCK:
            return None
        self.left -= 1
        if self.left:
            return None
        self.refused += 1
        return self._code


@pytest.mark.parametrize("code", CODES)
def test_a_lock_that_is_refused_once(make_subject: SubjectFactory, code: str) -> None:
    """Each lock that an attempt takes, until it takes no more; each attempt succeeds."""
    sits_it_out(make_subject(), code)


def sits_it_out(subject: Subject, code: str) -> None:
    """Refuse it one lock after the other, each once and with this code."""
    why = why_no_vfs()
    if why is not None:
        raise RECORDER.harness_error(f"no lock can be refused with a code of its own: {why}")
    once = _Once(CODES[code])

    async def use(path: str) -> list[str]:
        await subject.make(path)
        wrong = []
        try:
            ((event, _),) = subject.lifecycle.road(1)
            for nth in range(1, MOST_LOCKS):
                name = f"f{nth}"
                await subject.seed(name)
                once.left, refused = nth, once.refused
                asked = Request(attempt_id=name, file_path=name, event=event)
                answer = await subject.attempt(asked)
                once.left = 0
                if answer.kind is not AnswerKind.SUCCESS:
                    wrong.append(f"{code} at lock {nth}: told {answer.kind.value}: {answer.detail}")
                if once.refused == refused:
                    break
        finally:
            await subject.close()
        return wrong

    kinds = frozenset({Kind.SHM_LOCK, Kind.SLEEP})
    with scratch_folder() as folder:
        with Shim(folder, plan=once, kinds=kinds, virtual_sleep=True):
            wrong = asyncio.run(use(f"{folder}/files.db"))
    assert once.refused, "no lock was asked for"
    assert not wrong, wrong[0]
