"""The processes of one run: started, heard, killed, asked where they stand. None outlives it."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from properties.durability.launcher import Sqlite
from properties.durability.telling import Word
from properties.session import ROOT

READ_BYTES = 1 << 16
WORDS = {word.value for word in Word}
DUMP_WAIT_S = 2.0
TAIL_CHARS = 1500
_FRAME = re.compile(r'File "(?:.*/)?([^"/]+)", line (\d+) in (\S+)')
_THREAD = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]+.*$", re.MULTILINE)


class HarnessError(Exception):
    """The run broke by itself: nothing is known about durability."""


@dataclass(slots=True, kw_only=True)
class Member:
    """One process, what it said last and when, and how it was ended."""

    role: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    errors: Path
    heard_s: float
    is_proved: bool = False
    has_ended: bool = False
    half_line: bytes = b""

    @property
    def last_words(self) -> str:
        """The end of what it printed on its standard error."""
        with contextlib.suppress(OSError):
            return self.errors.read_text("utf-8", "replace")[-TAIL_CHARS:].strip()
        return ""

    def cpu_ticks(self) -> int | None:
        """CPU time used so far; None where the system does not tell. Two equal ones: it waits."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return int(fields[11]) + int(fields[12])

    def is_runnable(self) -> bool:
        """Whether one of its threads could go on and is only kept waiting by a busy machine."""
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
                if (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R":
                    return True
        return False

    def stands(self) -> list[str]:
        """Ask where each of its threads stands, innermost call first; works while it hangs."""
        before = len(self.last_words)
        os.kill(self.process.pid, signal.SIGUSR1)
        until, size = time.monotonic() + DUMP_WAIT_S, -1
        while time.monotonic() < until:
            time.sleep(0.1)
            now = self.errors.stat().st_size
            if now > before and now == size:
                break
            size = now
        return standing(self.errors.read_text("utf-8", "replace"))


def standing(dump: str) -> list[str]:
    """Return one line a thread of a faulthandler dump: its innermost two calls, without paths."""
    found = []
    for text in _THREAD.split(dump)[1:]:
        frames = _FRAME.findall(text)[:2]
        found.append(" < ".join(f"{name}:{line} {function}" for name, line, function in frames))
    return found


@dataclass(slots=True, kw_only=True)
class Crew:
    """Starts the processes of one run in `folder`, on one SQLite. A context manager."""

    sqlite: Sqlite
    module: str
    folder: Path
    members: list[Member] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _started_count: int = 0

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill whoever is left."""
        for member in self.members:
            self.kill(member)
            self._leave(member)
        self._selector.close()

    def start(self, role: str, arguments: Sequence[object] = ()) -> Member:
        """Start a process in a group of its own, so that Ctrl-C is for its parent alone."""
        self._started_count += 1
        errors = self.folder / f"{self._started_count}-{role}.stderr"
        words = (role, *map(str, arguments))
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                self.sqlite.command(self.module, words),
                stdin=subprocess.PIPE if role == "auditor" else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stream,
                cwd=ROOT,
                env=_environ(),
                start_new_session=True,
            )
        member = Member(
            role=role,
            arguments=words[1:],
            process=process,
            errors=errors,
            heard_s=time.monotonic(),
        )
        self.members.append(member)
        assert process.stdout is not None  # noqa: S101 - asked for above
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, member)
        return member

    def heard(self, wait_s: float) -> Iterator[tuple[Member, Word, str]]:
        """Yield what members say within a while; the end of one sets `has_ended`."""
        for key, _ in self._selector.select(wait_s):
            member: Member = key.data
            try:
                read = os.read(key.fd, READ_BYTES)
            except BlockingIOError:
                continue
            if not read:
                self._selector.unregister(key.fileobj)
                member.process.wait()
                member.has_ended = True
                continue
            member.heard_s = time.monotonic()
            *lines, member.half_line = (member.half_line + read).split(b"\n")
            for line in lines:
                word, _, rest = line.decode().partition(" ")
                if not member.is_proved:
                    # An interpreter that cannot even start says nothing; anything else proves.
                    version, _, source_id = rest.partition(" ")
                    self.sqlite.require(version, source_id)
                    member.is_proved = True
                elif word not in WORDS:
                    raise HarnessError(f"the {member.role} said {line[:80]!r}")
                else:
                    yield member, Word(word), rest

    def kill(self, member: Member) -> None:
        """End a process as a crash would: SIGKILL, nothing is flushed or closed."""
        if member.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(member.process.pid, signal.SIGKILL)

    def heard_to_the_end(self, members: Sequence[Member]) -> Iterator[tuple[Member, Word, str]]:
        """Yield what killed members had said before, and forget them."""
        while any(not member.has_ended for member in members):
            yield from self.heard(1.0)
        for member in members:
            self._leave(member)
            self.members.remove(member)

    def _leave(self, member: Member) -> None:
        for stream in (member.process.stdin, member.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        member.process.wait()


def _environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
