"""The folder of one gate: what is finished stands in it, so that a gate that was stopped goes on.

    .gate/gates/NAME/
        question.json                 what was asked
        baseline.txt  candidate.txt   both sides as requirements with hashes
        laws-SIDE/  behaviour/        what each process wrote, and `ended.json` once it has ended
        pairs/                        an epoch each, with its ends once all three have ended
        alive                         locked by the gate that works in it

A folder goes when its gate has a verdict. One that is left behind and that nobody holds was
stopped: by Ctrl-C, by a full disk, by SIGKILL.

Choices: what is kept is whole parts. A run of the laws that was stopped is asked anew; an epoch
that was stopped is thrown away, which is no selection by its outcome, as nobody has seen one.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import msgspec

from reports import schema, session, sources
from reports.processes import Ended
from reports.schema import GateQuestion, RecordError
from reports.session import UsageError

QUESTION = "question.json"
STOPPED_MOST = 3
"""Stopped gates that are kept; with a further one the oldest goes."""
DYING_S = 2.0
"""How long the lock of a gate that was killed may outlive it: a child that it was just starting."""
PAUSE_S = 0.05
CLOCKS = "clocks"
"""Beside the environments: locked by whoever's benchmarks run."""
WAIT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The folder of a gate that is at work in it, and nobody else."""

    folder: Path
    question: GateQuestion

    def part(self, name: str) -> Path:
        """The folder of one part, made if it is not there."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def text(self, name: str, make: Callable[[], str]) -> str:
        """A text that is made once."""
        path = self.folder / name
        if not path.exists():
            write_whole(path, make().encode())
        return path.read_text(encoding="utf-8")


def write_whole(path: Path, payload: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(payload)
    partial.replace(path)


def once(folder: Path, run: Callable[[], Ended]) -> Ended:
    """How the process of this folder ended: as noted there, or run now and noted."""
    note = folder / "ended.json"
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(note.read_bytes(), type=Ended)
    ended = run()
    write_whole(note, msgspec.json.encode(ended))
    return ended


@contextlib.contextmanager
def begun(home: Path, question: GateQuestion) -> Iterator[Kept]:
    """A new folder for a question."""
    home.mkdir(parents=True, exist_ok=True)
    (home.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    forget_stopped(home, keep=STOPPED_MOST)
    stamp = time.strftime("%Y%m%dT%H%M%S-", time.gmtime())
    folder = Path(tempfile.mkdtemp(prefix=stamp, dir=home))
    with _held(folder) as is_ours:
        if not is_ours:
            raise AssertionError(f"{folder} was made just now, and somebody holds it")
        schema.write(folder / QUESTION, question)
        yield Kept(folder=folder, question=question)


@contextlib.contextmanager
def stopped(home: Path) -> Iterator[Kept]:
    """The folder of the gate that was stopped last. Raises ``UsageError`` where there is none."""
    with contextlib.ExitStack() as opened:
        for folder in sorted(home.glob("*/"), reverse=True):
            if not opened.enter_context(_held(folder, patience_s=DYING_S)):
                continue
            try:
                question = schema.read(folder / QUESTION, GateQuestion)
            except RecordError as error:
                raise UsageError(
                    f"the gate that was stopped last cannot go on: {error}. Ask anew."
                ) from error
            if question.sources != digest_of_sources():
                raise UsageError(
                    f"the gate about {', '.join(question.requirements)} was stopped, and this "
                    "checkout has changed since. Ask anew: what was measured with other sources "
                    "cannot be mixed with what would be."
                )
            yield Kept(folder=folder, question=question)
            return
        raise UsageError("no gate was stopped here, so none can go on. Ask with a REQUIREMENT.")


@contextlib.contextmanager
def clocks_alone(
    cache: Path, *, left_s: Callable[[], float], waits: Callable[[str], None]
) -> Iterator[None]:
    """Two that time at once would time each other: wait while there is time to wait."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / CLOCKS).open("a", encoding="utf-8") as stream:
        while not _locks(stream) and left_s() > 0:
            waits("waiting: another gate's clocks run")
            time.sleep(WAIT_S)
        yield


def at_work(home: Path, *, besides: Path | None = None) -> int:
    """How many gates are at work in this checkout."""
    count = 0
    for folder in home.glob("*/"):
        if folder != besides:
            with _held(folder) as is_free:
                count += not is_free
    return count


def forget(kept: Kept) -> None:
    """A gate with a verdict leaves nothing."""
    shutil.rmtree(kept.folder, ignore_errors=True)


def forget_stopped(home: Path, *, keep: int) -> int:
    """Forget all stopped gates but so many of the latest; returns how many went."""
    count = 0
    for folder in sorted(home.glob("*/"), reverse=True)[keep:]:
        with _held(folder) as is_free:
            if is_free:
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count


@contextlib.contextmanager
def _held(folder: Path, *, patience_s: float = 0.0) -> Iterator[bool]:
    """Hold a folder's lock, which dies with this process; False where another process has it."""
    try:
        stream: TextIO = (folder / "alive").open("a", encoding="utf-8")
    except FileNotFoundError:
        yield False  # it went meanwhile: its gate has ended
        return
    with stream:
        end = time.monotonic() + patience_s
        while not (is_ours := _locks(stream)) and time.monotonic() < end:
            time.sleep(PAUSE_S)
        yield is_ours


def _locks(stream: TextIO) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def digest_of_sources() -> str:
    """What must be equal for two halves of one gate: sources, lock, policy, interpreter."""
    read = (sys.version, sources.digest(session.ROOT, sources.WHOLE))
    return hashlib.sha256("\0".join(read).encode()).hexdigest()


def size_bytes(folder: Path) -> int:
    """What a folder takes on the disk, as far as it can be read."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(where) / name).lstat().st_blocks * 512
    return total
