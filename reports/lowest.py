"""Put the lowest supported version of every runtime dependency into this environment.

    python -m reports.lowest

The bounds are read from pyproject.toml, so that what is tested is what is published. Only the
environment of the interpreter that runs this is changed; the next session that uses it makes it
the lock again.
"""

import importlib.metadata
import subprocess
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.version import Version

from reports import session
from reports.schema import Verdict


def lower_bounds(pyproject: str) -> dict[str, str]:
    """The `>=` bound of every runtime dependency; a dependency without one is a ValueError."""
    found: dict[str, str] = {}
    for line in tomllib.loads(pyproject)["project"]["dependencies"]:
        requirement = Requirement(line)
        bounds = [each.version for each in requirement.specifier if each.operator == ">="]
        if len(bounds) != 1:
            raise ValueError(f"{line!r} needs exactly one >= bound: what else is its minimum?")
        found[requirement.name] = bounds[0]
    return found


def main() -> int:
    """Install them, prove from the metadata that they are there, and say which."""
    bounds = lower_bounds((session.ROOT / "pyproject.toml").read_text("utf-8"))
    # Without --no-config uv would also read the constraints that hold the lock at production.
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config"]
    pins = [f"{name}=={version}" for name, version in bounds.items()]
    installed = subprocess.run([*command, "--python", sys.executable, *pins], check=False)
    if installed.returncode != 0:
        print("lowest: invalid: uv could not install " + " ".join(pins))
        return Verdict.INVALID.exit_code
    found = {name: importlib.metadata.version(name) for name in bounds}
    words = ", ".join(f"{name} {version}" for name, version in found.items())
    if any(Version(found[name]) != Version(bound) for name, bound in bounds.items()):
        print(f"lowest: invalid: asked for {' '.join(pins)}, found {words}")
        return Verdict.INVALID.exit_code
    print(f"lowest: pass: {words}")
    return Verdict.PASS.exit_code


if __name__ == "__main__":
    sys.exit(main())
