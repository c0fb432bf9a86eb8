"""How many Python functions a transition enters: what an upgrade of pure Python code costs.

Counted by ``sys.setprofile``: a call of a Python function, or a coroutine or generator that goes
on. Calls of C functions are not counted, nor is code of the simulation or of the benchmarks. The
number depends on the Python version (3.12 inlines comprehensions), and on nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
HARNESS = tuple(f"{ROOT / name}/" for name in ("properties", "benchmarks", "reports"))


class PythonCalls:
    """Counts in the thread that opens the block."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._count = 0
        self._counts_code: dict[CodeType, bool] = {}

    def __enter__(self) -> Self:
        """Count from here."""
        sys.setprofile(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop counting."""
        sys.setprofile(None)

    def reset(self) -> None:
        """Begin again at 0."""
        self._count = 0

    def read(self) -> dict[str, int]:
        """Return the count by its name."""
        return {"python_call_count": self._count}

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        counts = self._counts_code.get(code)
        if counts is None:
            counts = self._counts_code[code] = not code.co_filename.startswith(HARNESS)
        self._count += counts
