"""The ledger of what libraries are known to break: `known.toml`."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import sqlite3
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from packaging.specifiers import SpecifierSet

from reports.schema import LawRecord, LawVerdict

LEDGER = Path(__file__).with_name("known.toml")


DOUBT = 0.01
"""A defect that would have stayed away by chance in at most this share of cases is gone."""


_PROPER_NAMES = {"sqlite": "SQLite", "cpython": "CPython"}


class HitRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a defect that needs luck has shown: in ``hits`` of ``runs`` of ``seconds`` each."""

    hits: int
    runs: int
    seconds: int

    @property
    def rate(self) -> float:
        """Laplace's rule of succession: ten hits of ten are no certainty, and none is not never."""
        return (self.hits + 1) / (self.runs + 2)

    @property
    def clean_runs_needed(self) -> int:
        """The least n with (1 - rate)^n <= ``DOUBT``."""
        return math.ceil(math.log(DOUBT) / math.log1p(-self.rate))


class KnownDefect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the ledger: ``library`` at ``versions`` breaks ``law``.

    ``library`` is a distribution, ``sqlite`` or ``cpython``. ``reference`` says where its
    makers tell of it.
    An entry without a ``hit_rate`` shows in every run.
    """

    law: str
    library: str
    versions: str
    reason: str
    way_out: str
    reference: str | None = None
    hit_rate: HitRate | None = None

    def version(self, versions: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the version that was judged: as given, else this process's own."""
        if self.library in versions:
            return versions[self.library]
        if self.library == "sqlite":
            return sqlite3.sqlite_version
        if self.library == "cpython":
            return platform.python_version()
        return importlib.metadata.version(self.library)

    def applies(self, versions: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Whether such a release was judged."""
        return SpecifierSet(self.versions).contains(self.version(versions), prereleases=True)

    def told(self, versions: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the sentence that a reader gets."""
        name = _PROPER_NAMES.get(self.library, self.library)
        see = f" See {self.reference}" if self.reference else ""
        return (
            f"known defect of {name} {self.version(versions)}: {self.reason}. "
            f"Way out: {self.way_out}.{see}"
        )

    def is_stale(self, clean_run_count: int) -> bool:
        """Whether so many clean runs in a row are too many for a defect that is still there."""
        needed = 1 if self.hit_rate is None else self.hit_rate.clean_runs_needed
        return clean_run_count >= needed


class _Ledger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    known: list[KnownDefect]


def known_defects(
    path: Path = LEDGER, versions: Mapping[str, str] = MappingProxyType({})
) -> dict[str, KnownDefect]:
    """Return the entries that apply, by law. Raises ``msgspec.ValidationError``.

    ``versions`` names what was judged where that is not what this process runs.
    """
    ledger = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Ledger)
    return {defect.law: defect for defect in ledger.known if defect.applies(versions)}


def with_known(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> list[LawRecord]:
    """Return the records, those of known defects with the ledger's sentence as their reason."""
    return [
        msgspec.structs.replace(law, reason=defects[law.law].told(), is_known=True)
        if law.verdict is LawVerdict.FAIL and law.law in defects
        else law
        for law in laws
    ]


def stale(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> list[str]:
    """Return the laws that hold although the ledger says that they do not."""
    held = {law.law for law in laws if law.verdict is LawVerdict.PASS}
    failed = {law.law for law in laws if law.verdict is LawVerdict.FAIL}
    return sorted((held - failed) & set(defects))
