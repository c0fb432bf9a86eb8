"""Where this process runs and which library files it really imported, read from inside it.

A gate that builds an environment and then measures another one proves nothing, so the process
that was measured says itself what it ran. It is believed only after its evidence was compared
with what the installer recorded (see `LibraryEvidence` in `reports.schema`).
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sqlite3
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from properties.machine import machine
from reports.schema import Environment, LibraryEvidence

ALWAYS_NAMED = (
    "aiosqlite",
    "hypothesis",
    "msgspec",
    "pytest",
    "pytest-asyncio",
    "pytest-benchmark",
    "python-statemachine",
)
"""Libraries that are named whenever they are installed; any other one when it was imported."""


def environment(
    *, database: str | os.PathLike[str] | None = None, hypothesis_profile: str | None = None
) -> Environment:
    """Say what this very process runs on.

    `database` is any path whose kind of filesystem matters to the figures. Call it outside the
    clock: it reads and hashes every source file of the libraries (some tens of milliseconds).
    """
    return Environment(
        python_version=platform.python_version(),
        python_implementation=platform.python_implementation(),
        platform=platform.platform(),
        sqlite_version=sqlite3.sqlite_version,
        sqlite_source_id=_sqlite_source_id(),
        libraries=list(_libraries()),
        cpu_count=os.cpu_count() or 0,
        cpu_affinity=_cpu_affinity(),
        load_average=_load_average(),
        database_filesystem=None if database is None else filesystem_kind(Path(database)),
        hypothesis_profile=hypothesis_profile,
        **machine(),
    )


def _sqlite_source_id() -> str:
    connection = sqlite3.connect(":memory:")
    try:
        return str(connection.execute("SELECT sqlite_source_id()").fetchone()[0])
    finally:
        connection.close()


def _cpu_affinity() -> list[int] | None:
    if not hasattr(os, "sched_getaffinity"):
        return None
    return sorted(os.sched_getaffinity(0))


def _load_average() -> list[float] | None:
    if not hasattr(os, "getloadavg"):
        return None
    return [round(each, 2) for each in os.getloadavg()]


def filesystem_kind(path: Path) -> str | None:
    """The kind of filesystem that holds `path`, where the operating system tells (Linux)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    parents = {str(each) for each in (path.resolve(), *path.resolve().parents)}
    fields = [line.split() for line in mounts]
    holding = [(len(each[1]), index) for index, each in enumerate(fields) if each[1] in parents]
    # Of two mounts at one place the later one covers the earlier.
    return fields[max(holding)[1]][2] if holding else None


def _libraries() -> Iterator[LibraryEvidence]:
    """Evidence by name; where two copies are on the path, the first is the one imported."""
    found: dict[str, importlib.metadata.Distribution] = {}
    for distribution in importlib.metadata.distributions():
        found.setdefault(_normalised(distribution.metadata["Name"]), distribution)
    for name, distribution in sorted(found.items()):
        modules = sorted(_top_level_modules(distribution.files or ()))
        was_imported = any(module in sys.modules for module in modules)
        if name in ALWAYS_NAMED or was_imported:
            roots = [root for root in map(_imported_root, modules) if root is not None]
            if roots:
                yield _evidence(name, distribution.version, roots, was_imported=was_imported)


def _normalised(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _top_level_modules(files: Iterable[importlib.metadata.PackagePath]) -> set[str]:
    """Names that `import` takes: packages, and modules that stand alone in site-packages."""
    names = set()
    for file in files:
        first = file.parts[0] if len(file.parts) > 1 else file.name.partition(".")[0]
        is_code = len(file.parts) > 1 or file.suffix in {".py", ".so", ".pyd"}
        if is_code and first.isidentifier() and first != "__pycache__":
            names.add(first)
    return names


def _imported_root(module: str) -> Path | None:
    """The folder of a package, or the file of a lone module, as imported or as it would be."""
    spec = getattr(sys.modules.get(module), "__spec__", None) or importlib.util.find_spec(module)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None


def _evidence(name: str, version: str, roots: list[Path], *, was_imported: bool) -> LibraryEvidence:
    lines = []
    for root in roots:
        for file in _source_files(root):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            lines.append(f"{file.relative_to(root.parent).as_posix()} {digest}\n")
    return LibraryEvidence(
        name=name,
        version=version,
        location=", ".join(_location(root) for root in roots),
        sha256=hashlib.sha256("".join(sorted(lines)).encode()).hexdigest(),
        file_count=len(lines),
        was_imported=was_imported,
    )


def _source_files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
    for folder, _, names in os.walk(root):
        if Path(folder).name != "__pycache__":
            yield from (Path(folder, each) for each in names if not each.endswith(".pyc"))


def _location(root: Path) -> str:
    """Relative to site-packages; never an absolute path, which would differ on every machine."""
    for key in ("purelib", "platlib"):
        site = Path(sysconfig.get_path(key)).resolve()
        if root.resolve().is_relative_to(site):
            return root.resolve().relative_to(site).as_posix()
    return f"outside: {root.name}"
