"""The ledger of what libraries are known to break: `known.toml`."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import msgspec
from packaging.specifiers import SpecifierSet

from reports.schema import LawRecord, LawVerdict

LEDGER = Path(__file__).with_name("known.toml")


class KnownDefect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the ledger: ``library`` at ``versions`` breaks ``law``."""

    law: str
    library: str
    versions: str
    reason: str
    way_out: str

    def applies(self) -> bool:
        """Whether this process runs such a release."""
        version = importlib.metadata.version(self.library)
        return SpecifierSet(self.versions).contains(version, prereleases=True)

    def told(self) -> str:
        """Return the sentence that a reader gets."""
        version = importlib.metadata.version(self.library)
        return f"known defect of {self.library} {version}: {self.reason}. Way out: {self.way_out}."


class _Ledger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    known: list[KnownDefect]


def known_defects(path: Path = LEDGER) -> dict[str, KnownDefect]:
    """Return the entries that apply here, by law. Raises ``msgspec.ValidationError``."""
    ledger = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Ledger)
    return {defect.law: defect for defect in ledger.known if defect.applies()}


def with_known(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> list[LawRecord]:
    """Return the records, those of known defects with the ledger's sentence as their reason."""
    return [
        msgspec.structs.replace(law, reason=defects[law.law].told())
        if law.verdict is LawVerdict.FAIL and law.law in defects
        else law
        for law in laws
    ]


def stale(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> list[str]:
    """Return the laws that hold although the ledger says that they do not."""
    held = {law.law for law in laws if law.verdict is LawVerdict.PASS}
    failed = {law.law for law in laws if law.verdict is LawVerdict.FAIL}
    return sorted((held - failed) & set(defects))
