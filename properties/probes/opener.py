"""Who opened what is left behind: the frames of the caller, kept cheaply and told briefly.

A worker thread opens a connection for somebody else, so a thread remembers who started it, and what
it opens is its starter's. Neither a thread nor anything of a frame is kept alive: code objects and
line numbers are.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary

ROOT = Path(__file__).resolve().parents[2]
DEPTH = 40
SHOWN = 3
_OWN = str(Path(__file__).resolve().parent) + os.sep

Frames = tuple[tuple[CodeType, int], ...]

_started_by: WeakKeyDictionary[threading.Thread, Frames] = WeakKeyDictionary()
_start = threading.Thread.start
_is_watching = False


def watch_threads() -> None:
    """Let each thread of this process remember who started it. May be repeated."""
    global _is_watching
    if not _is_watching:
        vars_of_thread: Any = threading.Thread
        vars_of_thread.start = _remembering_start
        _is_watching = True


def _remembering_start(thread: threading.Thread) -> None:
    _start(thread)
    _started_by[thread] = frames()


def frames(thread: threading.Thread | None = None) -> Frames:
    """Return the caller's frames, innermost first; of a thread, its starter's."""
    if thread is not None and thread in _started_by:
        return _started_by[thread]
    found: list[tuple[CodeType, int]] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(found) < DEPTH:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


def where(opened_by: Frames) -> str:
    """Return the innermost frames of this checkout, as ``file:function:line``, outermost last."""
    told = []
    for code, line in opened_by:
        path = code.co_filename
        if path.startswith(_OWN) or not path.startswith(str(ROOT) + os.sep):
            continue
        relative = Path(path).relative_to(ROOT)
        if relative.parts[0].startswith("."):
            continue  # an environment inside the checkout
        told.append(f"{relative.as_posix()}:{code.co_name}:{line}")
    return " < ".join(told[:SHOWN]) or "somebody outside of this checkout"
