"""A caller reads its own write: after a success nobody is shown an older version of that file.

Neither by the subject that wrote nor by another one on the same file, while others go on writing. A
read from a cache, a replica or an old snapshot breaks it.
"""

import asyncio

from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Request, SubjectFactory
from properties.subjects.worker import PATIENT_TRIES

FILES = ("f", "g")


def test_while_others_write(make_subject: SubjectFactory) -> None:
    """Four callers on two files, each with every event in turn, and a reader on each side."""

    async def use(path: str) -> tuple[list[str], int]:
        writer, reader = make_subject(tries=PATIENT_TRIES), make_subject(tries=PATIENT_TRIES)
        late: list[str] = []
        seen = 0

        async def call(number: int) -> None:
            nonlocal seen
            for event in writer.lifecycle.events:
                name = FILES[number % 2]
                asked = Request(attempt_id=f"{event}-{number}", file_path=name, event=event)
                answer = await writer.attempt(asked)
                if answer.kind is not AnswerKind.SUCCESS or answer.version is None:
                    continue
                for subject in (writer, reader):
                    version = (await subject.read(name)).version
                    seen += 1
                    if version < answer.version:
                        late.append(f"{asked.attempt_id} wrote {answer.version}, read {version}")

        await writer.make(path)
        try:
            for name in FILES:
                await writer.seed(name)
            await reader.make(path)
            try:
                await asyncio.gather(*(call(number) for number in range(4)))
            finally:
                await reader.close()
        finally:
            await writer.close()
        return late, seen

    with scratch_folder() as folder:
        late, seen = asyncio.run(use(f"{folder}/files.db"))
    assert [] == late
    assert seen, "no read followed a success"
