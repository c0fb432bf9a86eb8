"""One process-wide means against one subject, in a process of its own: JSON on standard output.

``python -m properties.faults.child enumerate MEANS SUBJECT POINTS POINTS SEED PHASE`` (points of an
attempt and of other calls, a number or ``all``), or ``… strike MEANS SUBJECT NTH AGAIN REPEAT
PHASE``. The allocator comes first: once SQLite has started it is too late.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from properties.faults import allocator

if TYPE_CHECKING:
    from properties.faults.enumeration import Enumeration
    from properties.faults.plan import Fault
    from properties.faults.profiles import Profile
    from properties.faults.scene import Point

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 1200


class Child:
    """A child at work. ``result`` waits for it."""

    def __init__(
        self, means: str, subject: str, profile: Profile, seed: int, phase: str | None
    ) -> None:
        """Start it; ``phase`` None strikes every call."""
        self.means = means
        points = ["all" if each is None else str(each) for each in profile.points]
        self._process = _started("enumerate", means, subject, *points, str(seed), phase or "all")

    def result(self) -> tuple[str | None, list[Enumeration]]:
        """Return why the means does not work here, or what it found. Raises if the child failed."""
        import msgspec

        from properties.faults.enumeration import Enumeration

        printed = _printed(self._process, self.means)
        return msgspec.json.decode(printed, type=tuple[str | None, list[Enumeration]])


def strike_in_a_child(subject: str, fault: Fault) -> tuple[str | None, Point | None]:
    """Return why the means does not work here, or what came of the one fault."""
    import msgspec

    from properties.faults.scene import Point

    numbers = (str(fault.nth), str(fault.again))
    what = (fault.means, subject, *numbers, fault.repeat.value, fault.phase.value)
    printed = _printed(_started("strike", *what), fault.means)
    return msgspec.json.decode(printed, type=tuple[str | None, Point | None])


def _started(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "properties.faults.child", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _printed(process: subprocess.Popen[bytes], means: str) -> bytes:
    try:
        printed, told = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    if process.returncode:
        raise RuntimeError(f"the process of {means} failed: {told.decode()[-2000:]}")
    return printed


def _limit(text: str) -> int | None:
    return None if text == "all" else int(text)


def main(what: str, means_name: str, subject: str, *words: str) -> None:
    """Do it."""
    why = allocator.install() if means_name == "memory" else None
    import logging

    import msgspec

    from properties.faults.enumeration import enumerate_faults
    from properties.faults.judges import machine_judges
    from properties.faults.means import MEANS
    from properties.faults.plan import Fault, Phase, Repeat
    from properties.faults.scene import strike_once
    from properties.subjects.named import subject_named

    logging.getLogger().addHandler(logging.NullHandler())
    means, factory, judges = (
        MEANS[means_name],
        subject_named(subject),
        machine_judges(subject_named(subject)().offers),
    )
    why = why or means.why_not()
    answer: object = None
    if what == "enumerate":
        attempt, other, seed, only = words
        answer = [
            enumerate_faults(
                factory,
                subject,
                means,
                phase,
                judges,
                point_limit=_limit(attempt if phase is Phase.ATTEMPT else other),
                seed=int(seed),
            )
            for phase in means.phases
            if why is None and only in ("all", phase.value)
        ]
    elif why is None:
        nth, again, repeat, struck = words
        fault = Fault(
            means=means_name,
            nth=int(nth),
            again=int(again),
            repeat=Repeat(repeat),
            phase=Phase(struck),
        )
        answer = strike_once(factory, means, fault, judges)
    sys.stdout.buffer.write(msgspec.json.encode((why, answer)))


if __name__ == "__main__":
    main(*sys.argv[1:])
