"""Another SQLite under the standard library's `sqlite3`, from the package index alone.

`sqlites.toml` says which release holds which SQLite. It is fetched once by uv into a folder of
its own (`.nox/sqlites/KEY`, made under another name and renamed when it is whole), and a process
started with `Sqlite.command` runs on it. A process is believed when it has proved its version
and source id from inside.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from properties.session import ROOT, CannotJudgeError, UsageError
from properties.uv import uv

MAP = Path(__file__).with_name("sqlites.toml")
PRELOAD = Path(__file__).with_name("preload.py")
CACHE = ROOT / ".nox" / "sqlites"
FETCH_LIMIT_S = 120.0
MAKING = "making-"
MEASURED = "linux"
_DRAWING = " \N{MULTIPLICATION SIGN}│╰─▶├·"  # of uv's explanations


class WrongSqliteError(CannotJudgeError):
    """A process runs another SQLite than it was started for: nothing it says counts."""


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One SQLite on the package index; `library` is a pattern below the installed release."""

    version: str
    requirement: str
    library: str
    source_id: str


class _Map(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sqlite: list[Release]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sqlite:
    """A SQLite that processes can be started on; no library means the interpreter's own."""

    version: str
    source_id: str
    library: Path | None = None

    def command(
        self, module: str, arguments: Sequence[str] = (), *, parent: int | None = None
    ) -> list[str]:
        """Return what starts `python -m MODULE ARGUMENT …` on it.

        The process ends when ``parent`` does: this process, unless another one is named.
        """
        library = "-" if self.library is None else str(self.library)
        of = os.getpid() if parent is None else parent
        return [sys.executable, str(PRELOAD), library, str(of), module, *arguments]

    def require(self, version: str, source_id: str) -> None:
        """Raise ``WrongSqliteError`` unless a process proved to be on this very SQLite."""
        if (version, source_id) != (self.version, self.source_id):
            raise WrongSqliteError(
                f"a process was started on SQLite {self.version} ({self.source_id[:19]}) and runs "
                f"{version} ({source_id[:19]}). Does this Python link SQLite into itself?"
            )


def releases(path: Path = MAP) -> dict[str, Release]:
    """Return what can be fetched, by version. Raises ``msgspec.ValidationError``."""
    listed = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Map).sqlite
    return {release.version: release for release in listed}


def own() -> Sqlite:
    """Return the SQLite that this interpreter is linked to."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        (source_id,) = db.execute("SELECT sqlite_source_id()").fetchone()
    return Sqlite(version=sqlite3.sqlite_version, source_id=source_id)


def reach(version: str | None, cache: Path = CACHE) -> Sqlite:
    """Return a SQLite by its version, fetched if need be; None is the interpreter's own.

    Raises ``UsageError`` for a version that nobody offers, ``CannotJudgeError`` where it cannot
    be had. Leaves nothing half-made, whatever interrupts it.
    """
    here = own()
    if version is None or version == here.version:
        return here
    known = releases()
    if version not in known:
        raise UsageError(
            f"SQLite {version} cannot be reached from the package index; these can: "
            f"{', '.join(known)}, and {here.version} is this interpreter's own."
        )
    if sys.platform != MEASURED or sys.implementation.name != "cpython":
        raise CannotJudgeError(
            "another SQLite is put under CPython on Linux only; leave --sqlite out."
        )
    release = known[version]
    folder = cache / _key(release)
    if not folder.exists():
        _fetch(release, folder)
    return Sqlite(version=version, source_id=release.source_id, library=_library(release, folder))


def _library(release: Release, folder: Path) -> Path:
    found = sorted(folder.glob(release.library))
    if len(found) != 1:
        raise CannotJudgeError(
            f"{release.requirement} holds {len(found)} files {release.library}, not one. Remove "
            f"{folder.name} from the folder of fetched SQLites and try again."
        )
    return found[0]


def _key(release: Release) -> str:
    made_for = (release.requirement, sys.implementation.cache_tag, sysconfig.get_platform())
    digest = hashlib.sha256("\0".join(map(str, made_for)).encode()).hexdigest()[:12]
    return f"{release.version}-{digest}"


def _fetch(release: Release, folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        making = tempfile.mkdtemp(prefix=MAKING, dir=folder.parent)
    except OSError as error:
        raise CannotJudgeError(
            f"SQLite {release.version} cannot be kept in .nox/sqlites: {error.strerror}."
        ) from error
    try:
        _install(release, Path(making))
        _library(release, Path(making))
        try:
            os.rename(making, folder)
        except OSError:
            if not folder.exists():  # else another run was quicker; theirs is as good
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _sweep(cache: Path) -> None:
    """Remove what a killed run left half-made; one that still fetches is younger than this."""
    for each in cache.glob(f"{MAKING}*"):
        with contextlib.suppress(OSError):
            if time.time() - each.stat().st_mtime > 10 * FETCH_LIMIT_S:
                shutil.rmtree(each, ignore_errors=True)


def _install(release: Release, target: Path) -> None:
    print(f"fetching {release.requirement} for SQLite {release.version}", file=sys.stderr)
    command = [
        uv("durability"),
        "pip",
        "install",
        "--quiet",
        "--no-config",
        "--no-progress",
        "--no-deps",
    ]
    command += ["--only-binary", ":all:", "--python", sys.executable, "--target", str(target)]
    try:
        done = subprocess.run(
            [*command, release.requirement],
            capture_output=True,
            text=True,
            timeout=FETCH_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotJudgeError(
            f"{release.requirement} did not come within {FETCH_LIMIT_S:.0f} s. Try again later."
        ) from error
    if done.returncode != 0:
        why = " ".join(line.strip(_DRAWING) for line in done.stderr.splitlines() if line.strip())
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise CannotJudgeError(
            f"SQLite {release.version} cannot be had: {release.requirement} for Python {version}: "
            f"{why[:400]}. Check the network, or name an index with UV_DEFAULT_INDEX."
        )
