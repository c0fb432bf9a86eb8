"""What was really run: the installer's own record against the proof of the measured process.

The outside view reads RECORD, which the installer wrote with a digest of each file; no file of a
library is opened and nothing of it runs here. The inside view hashes the modules that a measured
process imported. Only where both agree did the process measure what was built.
"""

import base64
import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from reports.schema import Environment, LibraryEvidence, VersionChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One distribution as the installer recorded it; the digest is that of `LibraryEvidence`."""

    name: str
    version: str
    sha256: str
    file_count: int


def installed(site_packages: Path) -> dict[str, Installed]:
    """Everything installed in an environment, by canonical name."""
    found: dict[str, Installed] = {}
    for distribution in importlib.metadata.distributions(path=[str(site_packages)]):
        name = canonicalize_name(distribution.metadata["Name"])
        lines = list(_digest_lines(distribution.files or ()))
        found[name] = Installed(
            name=name,
            version=distribution.version,
            sha256=hashlib.sha256("".join(sorted(lines)).encode()).hexdigest(),
            file_count=len(lines),
        )
    return found


def _digest_lines(files: Iterable[importlib.metadata.PackagePath]) -> Iterable[str]:
    for file in files:
        top = file.parts[0] if len(file.parts) > 1 else file.name.partition(".")[0]
        is_importable = len(file.parts) > 1 or file.suffix in {".py", ".so", ".pyd"}
        if is_importable and top.isidentifier() and file.hash and file.suffix != ".pyc":
            padded = file.hash.value + "=" * (-len(file.hash.value) % 4)
            yield f"{file.as_posix()} {base64.urlsafe_b64decode(padded).hex()}\n"


def contradictions(proof: Environment | None, built: Mapping[str, Installed]) -> list[str]:
    """Where a process ran something else than what was built for it; empty where it did not."""
    if proof is None:
        return ["it proved nothing about what it ran"]
    return [what for each in proof.libraries if (what := _contradiction(each, built)) is not None]


def _contradiction(proof: LibraryEvidence, built: Mapping[str, Installed]) -> str | None:
    expected = built.get(proof.name)
    if expected is None:
        return f"{proof.name} {proof.version} was imported, but never installed there"
    if proof.location.startswith("outside: ") or ", outside: " in proof.location:
        return f"{proof.name} was imported from outside its environment"
    if proof.version != expected.version:
        return f"{proof.name} {proof.version} was imported, {expected.version} was installed"
    if proof.sha256 != expected.sha256:
        return f"the files of {proof.name} {proof.version} are not those that were installed"
    return None


def not_imported(proofs: Iterable[Environment], names: Iterable[str]) -> list[str]:
    """Which of these libraries no process imported, so that nothing was learnt of them."""
    seen = {each.name for proof in proofs for each in proof.libraries if each.was_imported}
    return [name for name in names if name not in seen]


def changes(
    baseline: Mapping[str, Installed],
    candidate: Mapping[str, Installed],
    asked: Iterable[str],
) -> list[VersionChange]:
    """What differs between two environments: first what was asked, then what came along."""
    wanted = set(asked)
    rows = []
    for name in sorted(baseline.keys() | candidate.keys(), key=lambda n: (n not in wanted, n)):
        before, after = baseline.get(name), candidate.get(name)
        if before != after or name in wanted:
            rows.append(
                VersionChange(
                    name=name,
                    baseline=before.version if before else None,
                    candidate=after.version if after else None,
                    was_asked=name in wanted,
                )
            )
    return rows
