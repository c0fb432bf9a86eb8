"""One winner per version: of ten attempts of one event on one file, one succeeds and nine do not.

The nine are told stale, rejected or not allowed; a crash is no refusal, and so is not busy: the
subject is given the patience that production has. Version 1 and one journal row remain. So it is
in a crowd of 64. Holds
with the in-process locks, without them, and across two processes, where only the version check
is left to settle the race; on real time, and under every schedule that is tried in simulation.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from properties.history import Snapshot, snapshot
from properties.scratch import scratch_folder
from properties.simulation.scenarios import promises
from properties.specs.conftest import Walk
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory
from properties.subjects.worker import PATIENT_TRIES

NEEDS = frozenset({Offer.V9, Offer.WORKER, Offer.SCENARIOS})

ROOT = Path(__file__).resolve().parent.parent.parent
REFUSALS = {AnswerKind.NOT_ALLOWED.value, AnswerKind.REJECTED.value, AnswerKind.STALE.value}


def _judge(told: list[list[str]], shot: Snapshot) -> None:
    kinds = Counter(kind for _, kind, _ in told)
    assert kinds[AnswerKind.SUCCESS.value] == 1, told
    assert set(kinds) - REFUSALS == {AnswerKind.SUCCESS.value}, told
    (winner,) = (attempt for attempt, kind, _ in told if kind == AnswerKind.SUCCESS.value)
    assert {"f": ("uploading", 1)} == shot.rows
    assert [(winner, 1)] == [(row.attempt_id, row.version) for row in shot.journal]


@pytest.mark.parametrize("count", [10, 64])
def test_tasks_of_one_process_on_one_file(make_subject: SubjectFactory, count: int) -> None:
    """All at once."""

    async def race(path: str) -> list[list[str]]:
        subject = make_subject(tries=PATIENT_TRIES)
        await subject.make(path)
        try:
            await subject.seed("f")
            requests = [
                Request(attempt_id=f"a{number}", file_path="f", event="start_upload")
                for number in range(count)
            ]
            answers = await asyncio.gather(*(subject.attempt(each) for each in requests))
        finally:
            await subject.close()
        return [
            [each.attempt_id, answer.kind.value, answer.detail]
            for each, answer in zip(requests, answers, strict=True)
        ]

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        told = asyncio.run(race(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            _judge(told, snapshot(db))


def test_two_processes_on_one_file(make_subject: SubjectFactory, subject_name: str) -> None:
    """Five tasks in each of two processes, let go together."""

    async def prepare(path: str) -> None:
        subject = make_subject()
        await subject.make(path)
        await subject.seed("f")
        await subject.close()

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        asyncio.run(prepare(path))
        command = [sys.executable, "-m", "properties.subjects.worker", path, subject_name, "f", "5"]
        workers = [
            subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        try:
            for worker in workers:
                assert worker.stdout is not None
                assert worker.stdout.readline() == "ready\n"
            told = []
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write("go\n")
                worker.stdin.flush()
            for worker in workers:
                printed, _ = worker.communicate(timeout=60)
                told.extend(json.loads(printed))
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            _judge(told, snapshot(db))


def test_ten_tasks_under_every_schedule_tried(subject_name: str, walked: Walk) -> None:
    """Ten tasks on simulated time, by random walks and by priorities that change."""
    for trial in walked(promises.crowd(subject_name), fewer=promises.pair(subject_name)):
        assert trial.violation is None
