"""Other Pythons by the names that people give them, each with the libraries of the lock.

``3.12``, ``3.12.1`` and ``python3.12`` are looked for on the path, among pyenv's and among uv's,
in this order; whatever holds a slash is a path. A candidate counts when it has run and said its
version: pyenv leaves names on the path that only say that another version is active. A Python
that has the libraries of this process is taken as it is; for any other one uv makes an
environment from the lock (``.nox/pythons``), and brings it up to date each time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from properties.session import ROOT, CannotJudgeError, UsageError
from properties.uv import uv

ENVIRONMENTS = ROOT / ".nox" / "pythons"
NEEDED = ("aiosqlite", "greenlet", "hypothesis", "msgspec", "python-statemachine")
OLDEST = (3, 11)
ANSWER_LIMIT_S = 30.0
MAKING_LIMIT_S = 300.0

_VERSION = re.compile(r"(?:c?python-?)?(\d+(?:\.\d+){1,2})", re.IGNORECASE)
_QUESTION = """
import importlib.metadata, json, platform, sqlite3, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        versions[name] = None
print(json.dumps({
    "version": platform.python_version(), "implementation": platform.python_implementation(),
    "sqlite": sqlite3.sqlite_version, "libraries": versions,
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interpreter:
    """A Python that ran, and what it said of itself. A library is None where it is missing."""

    path: Path
    version: str
    implementation: str
    sqlite: str
    libraries: dict[str, str | None]

    @property
    def name(self) -> str:
        """What to call it: the same on every machine."""
        return f"{self.implementation} {self.version}"


def asked_of(path: Path) -> Interpreter:
    """Ask a Python what it is; raises ``CannotJudgeError`` when it does not answer."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _QUESTION, *NEEDED],
            capture_output=True,
            text=True,
            timeout=ANSWER_LIMIT_S,
            check=True,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return msgspec.convert({"path": path, **told}, Interpreter)
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or ["nothing"]
        raise CannotJudgeError(f"{path.name} ended with {error.returncode}: {words[-1]}") from error
    except (OSError, subprocess.TimeoutExpired, ValueError, msgspec.ValidationError) as error:
        raise CannotJudgeError(f"{path.name} is no Python: {error}.") from error


def here() -> Interpreter:
    """Return the Python that runs this."""
    return asked_of(Path(sys.executable))


def found(asked: str) -> Interpreter:
    """Return the Python that ``asked`` means; raises ``UsageError`` that says what to do."""
    if os.sep in asked:
        path = Path(asked).expanduser()
        if not path.is_file() or not os.access(path, os.X_OK):
            raise UsageError(f"--python {asked}: there is no program of that name.")
        return _new_enough(asked, _answering(asked, path))
    version = _VERSION.fullmatch(asked)
    if version is not None:
        for path in _candidates(version.group(1)):
            try:
                answer = asked_of(path)
            except CannotJudgeError:
                continue  # one of pyenv's names whose version is not active
            if f"{answer.version}.".startswith(f"{version.group(1)}."):
                return _new_enough(asked, answer)
        raise UsageError(
            f"--python {asked}: no such Python on the path, among pyenv's or among uv's. Install "
            f"it (`uv python install {version.group(1)}`), or give the path of one."
        )
    program = shutil.which(asked)
    if program is None:
        raise UsageError(
            f"--python {asked}: no such program on the path. Give a version such as 3.12, a name "
            "such as python3.12, or a path."
        )
    return _new_enough(asked, _answering(asked, Path(program)))


def _answering(asked: str, path: Path) -> Interpreter:
    try:
        return asked_of(path)
    except CannotJudgeError as error:
        raise UsageError(f"--python {asked}: {error} Give a version such as 3.12.") from error


def _new_enough(asked: str, answer: Interpreter) -> Interpreter:
    if tuple(map(int, answer.version.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(f"--python {asked}: {answer.name} is older than {oldest}, the oldest.")
    return answer


def _candidates(version: str) -> Iterator[Path]:
    """Yield programs that may be of a version, the likeliest first."""
    minor = ".".join(version.split(".")[:2])
    for name in dict.fromkeys((f"python{version}", f"python{minor}", "python3", "python")):
        on_path = shutil.which(name)
        if on_path is not None:
            yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    versions = [each.name for each in pyenv.glob(f"{minor}.*") if _is_plain(each.name)]
    for name in sorted(versions, key=lambda each: tuple(map(int, each.split("."))), reverse=True):
        yield pyenv / name / "bin" / "python"
    try:
        told = subprocess.run(
            [uv("determinism"), "python", "find", "--no-config", "--no-python-downloads", version],
            capture_output=True,
            text=True,
            timeout=ANSWER_LIMIT_S,
            check=False,
            cwd=Path(sys.prefix),  # not the checkout: a pin there would be asked first
        )
    except (CannotJudgeError, OSError, subprocess.TimeoutExpired):
        return
    if told.returncode == 0:
        yield Path(told.stdout.strip())


def _is_plain(name: str) -> bool:
    return all(part.isdecimal() for part in name.split("."))


def equipped(asked: str, ours: Interpreter) -> Interpreter:
    """Return the Python that ``asked`` means, with the libraries of ``ours``.

    Raises ``UsageError`` for one that does not exist or has others, ``CannotJudgeError`` where its
    environment cannot be made.
    """
    answer = found(asked)
    if answer.libraries == ours.libraries:
        return answer
    if all(answer.libraries[name] is not None for name in NEEDED):
        raise UsageError(
            f"--python {asked}: {_differences(answer, ours)}. Give a version such as 3.12, and an "
            "environment is made for it; or run the whole session in that one."
        )
    made = asked_of(_environment(answer))
    if made.libraries != ours.libraries:
        raise CannotJudgeError(
            f"the lock's environment for {answer.name}: {_differences(made, ours)}. Run this "
            "through `nox -s determinism`, or give the path of an environment like this one."
        )
    return made


def _differences(one: Interpreter, ours: Interpreter) -> str:
    names = [name for name in NEEDED if one.libraries[name] != ours.libraries[name]]
    return "; ".join(
        f"its {name} is {one.libraries[name]}, here it is {ours.libraries[name]}" for name in names
    )


def _environment(base: Interpreter) -> Path:
    """Make or bring up to date the lock's environment for a Python; return its interpreter."""
    home = ENVIRONMENTS / f"{base.implementation.lower()}-{base.version}"
    print(f"the lock's libraries for {base.name}", file=sys.stderr, flush=True)
    options = ("--quiet", "--locked", "--no-config", "--no-install-project", "--no-default-groups")
    command = [uv("determinism"), "sync", *options, "--group", "properties"]
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        done = subprocess.run(
            [*command, "--python", str(base.path)],
            cwd=ROOT,
            env={**kept, "UV_PROJECT_ENVIRONMENT": str(home)},
            capture_output=True,
            text=True,
            timeout=MAKING_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotJudgeError(
            f"the libraries for {base.name} did not come within {MAKING_LIMIT_S:.0f} s."
        ) from error
    if done.returncode:
        words = " ".join(done.stderr.split())
        raise CannotJudgeError(
            f"the libraries for {base.name} cannot be had: {words[:400]}. Check the network."
        )
    return home / "bin" / "python"
