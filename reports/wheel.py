"""Build what a user would install, look inside, install it where the checkout cannot be seen.

The wheel is built from the sdist, and once more from the checkout, as `pip install .` would: both
must be the same bytes. It must hold fsmcore without its tests, and nothing else; its metadata must
say what pyproject.toml says. Then it is installed, with the newest releases that its
bounds allow, into a new environment; docs/example.py runs there, warnings being errors, and mypy
must find the package's types.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from email.message import Message
from email.parser import Parser as HeaderParser
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import Requirement

from reports import session
from reports.schema import SessionRecord, Verdict, given_path

ROOT = session.ROOT
EXAMPLE = ROOT / "docs" / "example.py"
OURS_BUT_NOT_SHIPPED = ("properties", "benchmarks", "reports")
SDIST_HOLDS = {
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "fsmcore",
    "pyproject.toml",
}

# Run by the new environment's interpreter, isolated: no folder of ours is on its path.
ASK = """
import importlib.metadata, importlib.util, json, pathlib, sys
import fsmcore
found = {name: importlib.util.find_spec(name) is not None for name in sys.argv[2:]}
home = pathlib.Path(sys.argv[1]).resolve()
inside = pathlib.Path(fsmcore.__file__).resolve().is_relative_to(home)
versions = {each.name: each.version for each in importlib.metadata.distributions()}
print(json.dumps({"inside": inside, "found": found, "versions": versions}))
"""


class CommandFailedError(Exception):
    """A step of the build could not be carried out at all."""


def should_ship(folder: Path) -> set[str]:
    """The files of a package that belong into its wheel, as the wheel names them."""
    files = (each for each in folder.rglob("*") if each.suffix == ".py" or each.name == "py.typed")
    names = {each.relative_to(folder.parent).as_posix() for each in files}
    return {name for name in names if "tests" not in PurePosixPath(name).parts}


def wheel_findings(names: Iterable[str], expected: Collection[str]) -> list[str]:
    """What is in the wheel and should not be, and what is missing."""
    inside = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    found = [f"the wheel must not hold {name}" for name in sorted(inside - set(expected))]
    found += [f"the wheel lacks {name}" for name in sorted(set(expected) - inside)]
    if "fsmcore/py.typed" not in inside:
        found.append("without fsmcore/py.typed no type checker believes the annotations")
    return found


def sdist_findings(names: Iterable[str]) -> list[str]:
    """What is in the sdist and should not be, and what is missing."""
    tops = {PurePosixPath(name).parts[1] for name in names if len(PurePosixPath(name).parts) > 1}
    found = [f"the sdist must not hold {name}" for name in sorted(tops - SDIST_HOLDS)]
    return found + [f"the sdist lacks {name}" for name in sorted(SDIST_HOLDS - tops)]


def metadata_findings(metadata: Message, project: Mapping[str, Any]) -> list[str]:
    """Where the wheel's metadata differ from pyproject.toml."""
    expected = {
        "Name": project["name"],
        "Version": project["version"],
        "Requires-Python": project["requires-python"],
        "License-Expression": project["license"],
        "Requires-Dist": sorted(str(Requirement(each)) for each in project["dependencies"]),
    }
    required = sorted(str(Requirement(each)) for each in metadata.get_all("Requires-Dist", []))
    actual = {key: metadata[key] for key in expected} | {"Requires-Dist": required}
    return [
        f"the metadata say {key} {actual[key]!r}, pyproject.toml says {expected[key]!r}"
        for key in expected
        if expected[key] != actual[key]
    ]


def run(*command: str | os.PathLike[str], cwd: Path) -> str:
    """Run a command and return its output; raises `CommandFailedError` with all it said."""
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        shown = " ".join(str(each) for each in command[:4])
        raise CommandFailedError(f"{shown} …: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def uv(*arguments: str | os.PathLike[str], cwd: Path) -> str:
    """Run uv from this environment, without the constraints that hold the lock."""
    return run(sys.executable, "-m", "uv", "--quiet", "--no-config", *arguments, cwd=cwd)


def look_inside(dist: Path, direct: Path) -> list[str]:
    """Compare what was built, from the sdist and directly, with what should ship."""
    (wheel,), (sdist,), (other,) = dist.glob("*.whl"), dist.glob("*.tar.gz"), direct.glob("*.whl")
    expected = should_ship(ROOT / "fsmcore")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names, metadata = _opened(wheel)
    with tarfile.open(sdist) as archive:
        packed = archive.getnames()
    found = wheel_findings(names, expected)
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        found.append("the wheel lacks its LICENSE")
    if wheel.read_bytes() != other.read_bytes():
        found.append("the wheels built from the sdist and from the checkout differ")
        found += [f"built directly, {each}" for each in wheel_findings(_opened(other)[0], expected)]
    return found + sdist_findings(packed) + metadata_findings(metadata, project)


def _opened(wheel: Path) -> tuple[list[str], Message]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (where,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        return names, HeaderParser().parsestr(archive.read(where).decode())


def try_out(dist: Path, elsewhere: Path) -> tuple[list[str], dict[str, str]]:
    """Install the wheel in a new environment outside the checkout and use it from there."""
    home = elsewhere / "environment"
    uv("venv", "--python", sys.executable, home, cwd=elsewhere)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (wheel,) = dist.glob("*.whl")
    uv("pip", "install", "--python", python, wheel, cwd=elsewhere)
    asked = [*OURS_BUT_NOT_SHIPPED, "fsmcore.tests"]
    try:
        said = json.loads(run(python, "-I", "-c", ASK, home, *asked, cwd=elsewhere))
    except CommandFailedError as error:
        return [f"the installed package cannot be imported: {error}"], {}
    findings = [f"{name} can be imported" for name, present in said["found"].items() if present]
    if not said["inside"]:
        findings.append("fsmcore was imported from outside the new environment")
    typed = ("--strict", "--no-incremental", f"--config-file={os.devnull}", EXAMPLE)
    mypy = (sys.executable, "-m", "mypy", "--python-executable", python, *typed)
    for command in ((python, "-I", "-W", "error", EXAMPLE), mypy):
        try:
            print(run(*command, cwd=elsewhere), end="", flush=True)
        except CommandFailedError as error:
            findings.append(f"docs/example.py does not hold: {error}")
    return findings, said["versions"]


def judge(dist: Path) -> SessionRecord:
    """Build, look inside, try out. Invalid when it could not be built or installed at all."""
    try:
        with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
            uv("build", "--out-dir", dist, ROOT, cwd=ROOT)
            direct = Path(folder, "direct")
            uv("build", "--wheel", "--out-dir", direct, ROOT, cwd=ROOT)
            findings = look_inside(dist, direct)
            more, versions = try_out(dist, Path(folder))
            findings += more
    except CommandFailedError as error:
        print(error)
        words = "it could not be built and installed; the output above says why"
        return SessionRecord(name="wheel", verdict=Verdict.INVALID, summary=words)
    for finding in findings:
        print(f"- {finding}")
    count = len(should_ship(ROOT / "fsmcore"))
    used = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    good = f"{count} files, installed and used with {used}"
    return SessionRecord(
        name="wheel",
        verdict=Verdict.FAIL if findings else Verdict.PASS,
        summary=f"{len(findings)} findings" if findings else good,
        figures={"files": count, "findings": len(findings)},
        versions=versions,
    )


def main(given: Sequence[str] | None = None) -> int:
    """Run the session."""
    parser = session.parser(program="python -m reports.wheel", description=__doc__)
    parser.add_argument(
        "--dist", type=given_path, metavar="FOLDER", help="keep what was built here"
    )
    try:
        options = parser.parse_args(session.arguments(given))
    except session.UsageError as error:
        print(f"wheel: usage: {error}")
        return Verdict.USAGE.exit_code
    if options.dist is not None:
        if any(options.dist.glob("fsmcore-*")):
            print(f"wheel: usage: {options.dist} holds an older build. Name an empty folder.")
            return Verdict.USAGE.exit_code
        return session.finish(judge(options.dist.resolve()), options.out)
    with tempfile.TemporaryDirectory(prefix="dist-") as folder:
        return session.finish(judge(Path(folder)), options.out)


if __name__ == "__main__":
    sys.exit(main())
