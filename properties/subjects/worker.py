"""``python -m properties.subjects.worker PATH SUBJECT FILE COUNT``: attempts from another process.

Says ``ready`` once the database is open, waits for a line on standard input, makes COUNT
concurrent attempts of ``start_upload`` on FILE, and prints the kinds of its answers as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from properties.subjects import Request
from properties.subjects.named import subject_named

PATIENT_TRIES = 20


async def _main(path: str, subject_name: str, file_path: str, count: int) -> None:
    subject = subject_named(subject_name)(tries=PATIENT_TRIES)
    await subject.make(path)
    try:
        print("ready", flush=True)
        sys.stdin.readline()
        requests = [
            Request(attempt_id=f"{os.getpid()}-{number}", file_path=file_path, event="start_upload")
            for number in range(count)
        ]
        answers = await asyncio.gather(*(subject.attempt(request) for request in requests))
        told = [
            [each.attempt_id, answer.kind.value, answer.detail]
            for each, answer in zip(requests, answers, strict=True)
        ]
        print(json.dumps(told), flush=True)
    finally:
        await subject.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
