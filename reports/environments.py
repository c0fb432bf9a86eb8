"""Environments from real releases, built by uv, kept by content, whole or not at all.

A built environment lives in `.gate/environments/KEY`; the key is over the resolved requirements
with their hashes, the interpreter and the platform. It is built under another name and renamed
when it is complete, so a folder with that name is always whole: a build that failed or was
interrupted leaves nothing, and of two gates that build the same one, the second finds it.

Files are copied, not linked: a library that changes its own files changes them for nobody else.

Choices: the baseline is the lock as it stands (`uv export --frozen`). The candidate is resolved
anew with the lock's versions as preferences (`uv pip compile` keeps the pins of an existing output
file), so that only what the question forces to move does move. uv works in a folder outside the
checkout, or it would apply the project's own constraints to the question.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from reports import evidence, processes, requirements
from reports.evidence import Installed
from reports.holding import ENVIRONMENTS, Hold
from reports.processes import Ended, Pulse
from reports.schema import Environment, Verdict
from reports.session import UsageError

RESOLVE_LIMIT_S = 60.0
BUILD_LIMIT_S = 180.0
STALE_BUILD_S = 3600.0
BUILDING = "building-"
ON_SQLITE = "properties.durability.on"
"""The module of the checkout that becomes another one, on another SQLite."""

_UNREACHABLE = (
    "Request failed",
    "Failed to fetch",
    "error sending request",
    "network was disabled",
)
WORDS_MOST = 8
_UNBUILT = re.compile(r"Failed to (?:download and )?build `([^`]+)`")
_FULL = "No space left on device"
_DRAWING = " \N{MULTIPLICATION SIGN}│╰─▶├·"
_UV_IGNORED = {
    "UV_BUILD_CONSTRAINT",
    "UV_CONSTRAINT",
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_OVERRIDE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
}


class EnvironmentUnavailableError(Exception):
    """An environment cannot be had here and now; nothing was judged, and nothing is left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where releases come from, if not from where uv itself would look; and what may be taken.

    `wheelhouse` is a folder of wheels and no network at all. `constraints` is a text of
    requirements, whose hashes are held against what is installed.
    """

    index: str | None = None
    wheelhouse: Path | None = None
    constraints: str = ""

    def environ(self) -> dict[str, str]:
        """What uv reads of it."""
        found = {} if self.index is None else {"UV_DEFAULT_INDEX": self.index}
        if self.wheelhouse is not None:
            folder = str(self.wheelhouse.absolute())
            found |= {"UV_FIND_LINKS": folder, "UV_NO_INDEX": "1", "UV_OFFLINE": "1"}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltEnvironment:
    """One side of the question: its interpreter, what the installer put there, and what SQLite.

    No `sqlite` is the one that the interpreter is linked to. While this object lives, nobody makes
    room by removing the environment.
    """

    folder: Path
    python: Path
    installed: Mapping[str, Installed]
    sqlite: str | None = None
    held: Hold | None = field(default=None, repr=False, compare=False)

    @property
    def start(self) -> list[str]:
        """What starts a module of the checkout whose name follows. Goes with `measured_environ`."""
        return [str(self.python), "-m", *([] if self.sqlite is None else [ON_SQLITE, self.sqlite])]

    def contradictions(self, proof: Environment | None) -> list[str]:
        """Where a process ran something else than what was built; empty where it did not."""
        wrong = evidence.contradictions(proof, self.installed)
        if proof is not None and self.sqlite not in (None, proof.sqlite_version):
            wrong.append(f"SQLite {proof.sqlite_version} ran, not {self.sqlite}")
        return wrong

    def remove(self) -> None:
        """Forget an environment that is not what was built."""
        doomed = self.folder.with_name(f"{self.folder.name}.removed")
        with contextlib.suppress(OSError):
            self.folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Makes environments for the checkout at `root` in `cache`; what it runs shows a pulse.

    What is not timed need not be `is_compiled` before it runs: that takes most of a build's time.
    """

    root: Path
    cache: Path
    pulse: Pulse
    python: str = sys.executable
    is_compiled: bool = True
    sources: Sources = Sources()

    def lock_requirements(self) -> str:
        """The lock as requirements with hashes: the baseline."""
        arguments = ["--frozen", "--no-emit-project", "--no-default-groups"]
        group = ["--group", requirements.MEASURED_GROUP, "--no-annotate", "--no-header"]
        with _outside() as scratch:
            out = scratch / "requirements.txt"
            where = ["--project", str(self.root), "-o", str(out)]
            ended = self._uv("export", *where, *arguments, *group, folder=scratch)
            if ended.exit_code != 0:
                raise EnvironmentUnavailableError(
                    f"the lock cannot be read: {explain(ended.tail)}. `uv lock --check` says more."
                )
            return self._vouched(out)

    def _vouched(self, resolved: Path) -> str:
        text = resolved.read_text(encoding="utf-8")
        return requirements.vouched(text, self.sources.constraints)

    def candidate_requirements(
        self,
        baseline: str,
        asked: Mapping[str, Requirement],
        theirs: Sequence[Requirement] = (),
    ) -> str:
        """The lock, moved as little as the question forces it to move.

        `theirs` is what the code of somebody else asks for beside it.
        """
        direct = requirements.direct_requirements(self.root / "pyproject.toml")
        direct += theirs
        moved = [word for name in asked for word in ("--upgrade-package", name)]
        style = ["--generate-hashes", "--no-annotate", "--no-header"]
        with _outside() as scratch:
            wanted, out = scratch / "asked.in", scratch / "requirements.txt"
            wanted.write_text(requirements.resolver_input(direct, asked), encoding="utf-8")
            out.write_text(baseline, encoding="utf-8")
            where = [str(wanted), "-o", str(out), "--python", self.python]
            if self.sources.constraints:
                constraints = scratch / "constraints.txt"
                constraints.write_text(self.sources.constraints, encoding="utf-8")
                where += ["--constraints", str(constraints)]
            ended = self._uv("pip", "compile", *where, *style, *moved, folder=scratch)
            if ended.exit_code != 0:
                raise _refusal(", ".join(map(str, asked.values())), ended)
            return self._vouched(out)

    def newest(self, wanted: str, *, prereleases: bool) -> str | None:
        """The newest release that fits `wanted` and this interpreter, None where none does."""
        with _outside() as scratch:
            asked, out = scratch / "asked.in", scratch / "requirements.txt"
            asked.write_text(f"{wanted}\n", encoding="utf-8")
            which = ["--no-deps", "--prerelease", "allow" if prereleases else "disallow"]
            where = [str(asked), "-o", str(out), "--python", self.python, "--no-header"]
            ended = self._uv("pip", "compile", *where, *which, folder=scratch)
            if ended.exit_code == 0:
                (version,) = requirements.pins(out.read_text(encoding="utf-8")).values()
                return version
            if "No solution found" in ended.tail and not _is_unreachable(ended):
                return None
            raise _refusal(wanted, ended)

    def wheel_of(self, checkout: Path, out: Path) -> Path:
        """Let a checkout's own builder make its wheel. Raises `EnvironmentUnavailableError`."""
        if not any((checkout / name).is_file() for name in ("pyproject.toml", "setup.py")):
            raise UsageError(f"{checkout}: no checkout: it has no pyproject.toml and no setup.py.")
        with _outside() as scratch:
            how = ["--wheel", "--out-dir", str(out), "--python", self.python]
            ended = self._uv("build", *how, str(checkout), folder=scratch, limit_s=BUILD_LIMIT_S)
        wheels = list(out.glob("*.whl"))
        if ended.exit_code != 0 or len(wheels) != 1:
            raise EnvironmentUnavailableError(
                f"{checkout}: no wheel can be built of it here: {explain(ended.tail)}. Mend that, "
                "or give a wheel."
            )
        return wheels[0]

    def linked_sqlite(self, built: BuiltEnvironment) -> str:
        """The SQLite that an environment's Python is linked to."""
        asks = "import sqlite3; print(sqlite3.sqlite_version)"
        with _outside() as scratch:
            ended = processes.run(
                [str(built.python), "-I", "-c", asks],
                folder=scratch,
                environ=measured_environ(),
                log=scratch / "sqlite.log",
                limit_s=RESOLVE_LIMIT_S,
                pulse=self.pulse,
            )
        if ended.exit_code != 0:
            raise EnvironmentUnavailableError(f"Python has no sqlite3 here: {ended.last_words}.")
        return ended.last_line

    def build(self, wanted: str, *, sqlite: str | None = None) -> BuiltEnvironment:
        """The environment with exactly these requirements, from the cache or built now.

        Another `sqlite` is fetched now, so that whether it can be had is no question of what runs.
        """
        folder = self.cache / ENVIRONMENTS / _key(wanted, self.python)
        held = None
        while held is None:
            if not folder.exists():
                self._make(folder, wanted)
            # Somebody who makes room may have taken it away just now: then it is made again.
            with contextlib.suppress(FileNotFoundError):
                held = Hold(folder)
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        site = next(folder.glob("[Ll]ib/**/site-packages"), None)
        if site is None or not python.exists():
            raise EnvironmentUnavailableError(
                f"the environment {folder.name} in {self.cache.name}/environments is damaged. "
                "Remove that folder and ask again."
            )
        built = BuiltEnvironment(
            folder=folder,
            python=python,
            installed=evidence.installed(site),
            sqlite=sqlite,
            held=held,
        )
        if sqlite is not None:
            self._fetch(built)
        return built

    def _fetch(self, built: BuiltEnvironment) -> None:
        with _outside() as scratch:
            ended = processes.run(
                [str(built.python), "-m", ON_SQLITE, str(built.sqlite)],
                folder=self.root,
                environ=measured_environ() | self.sources.environ(),
                log=scratch / "on.log",
                limit_s=BUILD_LIMIT_S,
                pulse=self.pulse,
            )
        if ended.exit_code == Verdict.USAGE.exit_code:
            raise UsageError(ended.refusal)
        if ended.exit_code != Verdict.PASS.exit_code:
            raise EnvironmentUnavailableError(
                f"SQLite {built.sqlite} cannot be had: {ended.refusal or 'no answer in time'}"
            )

    def _make(self, folder: Path, wanted: str) -> None:
        with _outside() as scratch, self._building() as building:
            listed, made = scratch / "requirements.txt", building / "environment"
            listed.write_text(wanted, encoding="utf-8")
            ended = self._uv(
                *("venv", "--relocatable", "--python", self.python, str(made)), folder=scratch
            )
            if ended.exit_code == 0:
                # Hashes are verified where they are known; a folder of wheels gives none.
                exact = ["--verify-hashes", "--strict", "--link-mode", "copy"]
                target = ["--python", str(made), "-r", str(listed)]
                target += ["--compile-bytecode"] if self.is_compiled else []
                ended = self._uv(
                    *("pip", "install", *exact, *target), folder=scratch, limit_s=BUILD_LIMIT_S
                )
            if ended.exit_code != 0:
                raise _refusal("the resolved releases", ended)
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                made.rename(folder)
            except OSError:
                # Another gate built the same one meanwhile: theirs is as good as ours.
                if not folder.exists():
                    raise

    @contextlib.contextmanager
    def _building(self) -> Iterator[Path]:
        """A folder beside the finished ones (renaming needs one filesystem), removed at the end."""
        folder = None
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            (self.cache / ".gitignore").write_text("*\n", encoding="utf-8")
            self._sweep()
            folder = Path(tempfile.mkdtemp(prefix=BUILDING, dir=self.cache))
            yield folder
        except OSError as error:
            raise EnvironmentUnavailableError(
                f"cannot build in {self.cache.name}: {error.strerror}. Free some space, or give "
                "the right to write there."
            ) from error
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what a killed gate left behind; a build that still runs is younger than this."""
        for each in self.cache.glob(f"{BUILDING}*"):
            with contextlib.suppress(OSError):
                if time.time() - each.stat().st_mtime > STALE_BUILD_S:
                    shutil.rmtree(each, ignore_errors=True)

    def _uv(self, *arguments: str, folder: Path, limit_s: float = RESOLVE_LIMIT_S) -> Ended:
        style = ["--quiet", "--no-progress", "--color", "never"]
        return processes.run(
            [uv_program(), *arguments, *style],
            folder=folder,
            environ=_uv_environ() | self.sources.environ(),
            log=folder / "uv.log",
            limit_s=limit_s,
            pulse=self.pulse,
        )


def explain(tail: str) -> str:
    """uv's own explanation as one sentence, without its drawing."""
    lines = [line.strip(_DRAWING) for line in tail.splitlines()]
    words = [line.removeprefix("error: ").removeprefix("cause: ") for line in lines if line]
    because = [each for each in words if each.startswith("Because")]
    text = because[0] if because else "; ".join(words[:WORDS_MOST]) or "uv printed nothing"
    return text[:600].rstrip(".")


def _refusal(what: str, ended: Ended) -> Exception:
    """Whose fault it is that there is no environment: the question's, or this place's."""
    if ended.exit_code is None:
        return EnvironmentUnavailableError(
            f"uv did not answer for {what} within {ended.elapsed_s:.0f} s. Ask again later."
        )
    why = explain(ended.tail)
    if _FULL in ended.tail:
        return EnvironmentUnavailableError(
            f"{_FULL}: {what} cannot be installed. Free some, or `nox -s gate -- --clean`."
        )
    if unbuilt := _UNBUILT.search(ended.tail):
        return EnvironmentUnavailableError(
            f"{unbuilt[1]} has no wheel for this place, and cannot be built here: {why}. Name a "
            "release with a wheel, or a place that has what builds it."
        )
    if _is_unreachable(ended):
        return EnvironmentUnavailableError(
            f"no package index could be reached for {what}: {why}. Check the network, or name an "
            "index with --index or a folder of wheels with --wheelhouse."
        )
    if "No solution found" in ended.tail:
        return UsageError(
            f"no environment can be made with {what}: {why}. "
            "Name a release that exists and fits the others."
        )
    return EnvironmentUnavailableError(f"{what} cannot be installed here: {why}.")


def _is_unreachable(ended: Ended) -> bool:
    return any(sign in ended.tail for sign in _UNREACHABLE)


@contextlib.contextmanager
def _outside() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fsmcore-gate-") as folder:
        yield Path(folder)


def _key(wanted: str, python: str) -> str:
    """Anything that could make two environments differ."""
    interpreter = (os.path.realpath(python), sys.version, platform.platform())
    return hashlib.sha256("\0".join((*interpreter, wanted)).encode()).hexdigest()[:16]


def uv_program() -> str:
    """uv beside this interpreter (the group `reports` holds it), else uv on the path."""
    beside = Path(sysconfig.get_path("scripts")) / ("uv.exe" if os.name == "nt" else "uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise EnvironmentUnavailableError(
            "uv is not installed. Run the gate through `nox -s gate`."
        )
    return found


def measured_environ(hash_seed: int = 0) -> dict[str, str]:
    """The environment variables of a measured process. Our uv is in its path: `ON_SQLITE` asks."""
    environ = processes.clean_environ(PYTHONHASHSEED=str(hash_seed), PYTHONNOUSERSITE="1")
    uv = str(Path(uv_program()).parent)
    return environ | {"PATH": os.pathsep.join(filter(None, (environ.get("PATH"), uv)))}


def _uv_environ() -> dict[str, str]:
    """An index of one's own and the like are kept; what would change the question is not."""
    environ = processes.clean_environ()
    return {name: value for name, value in environ.items() if name not in _UV_IGNORED}
