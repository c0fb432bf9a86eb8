"""Where uv is: beside this interpreter, else on the path."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

from properties.session import CannotJudgeError


def uv(session: str) -> str:
    """Return the program; raises ``CannotJudgeError`` that says which ``session`` brings one."""
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise CannotJudgeError(f"uv is not installed. Run this through `nox -s {session}`.")
    return found
