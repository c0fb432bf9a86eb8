"""Other Pythons of this machine by the names that people give them. None is fetched."""

import os
import subprocess
import sys
from pathlib import Path

from reports.environments import EnvironmentUnavailableError, uv_program
from reports.session import UsageError

ANSWER_LIMIT_S = 30.0


def here() -> str:
    """What the Python that runs this is called: 3.11."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def interpreter(python: str) -> str:
    """Return the program of a version or a path: this one, pyenv's newest, or what uv finds.

    Raises `UsageError` where this machine has none.
    """
    if os.sep in python:
        if not os.access(python, os.X_OK):
            raise UsageError(f"--python {python}: there is no program of that name.")
        return python
    if sys.version.startswith((f"{python}.", f"{python} ")):
        return sys.executable
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    versions = [each for each in root.glob("*") if f"{each.name}.".startswith(f"{python}.")]
    plain = [each for each in versions if each.name.replace(".", "").isdecimal()]
    if plain:
        newest = max(plain, key=lambda each: tuple(map(int, each.name.split("."))))
        return str(newest / "bin" / "python")
    search = [uv_program(), "python", "find", "--no-config", "--no-python-downloads", python]
    try:
        told = subprocess.run(
            search,
            capture_output=True,
            text=True,
            timeout=ANSWER_LIMIT_S,
            check=False,
            cwd=Path(sys.prefix),  # not the checkout: a pin there would be asked first
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnavailableError(f"uv did not say where Python {python} is.") from error
    if told.returncode == 0:
        return told.stdout.strip()
    raise UsageError(
        f"there is no Python {python} on this machine. Install it "
        f"(`uv python install {python}`), or give the path of one."
    )
