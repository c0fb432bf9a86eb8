"""Reference pages, written from what they are about: docs/laws.md and docs/faults.md.

They stand beside the laws and not in them: only here is a law's name put beside the mutants that it
must catch.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from properties.faults.means import MEANS
from properties.faults.pinned import pins
from properties.law import Law, law_of
from properties.mutants.registry import all_mutants
from properties.subjects import Offer
from reports.schema import LawKind

ROOT = Path(__file__).resolve().parent.parent
SPECS = ROOT / "properties" / "specs"
WRITTEN = "Written by `nox -s properties -- --write-docs`; a test compares."

PROMISES = {
    "On every exploration": "Workers race, are cancelled, overtaken, locked out and struck; after "
    "each step the evidence goes to each of these.",
    "Under chosen schedules": "The real core in the simulation, by walks of chance that replay.",
    "By cases of their own": "Each asks what an exploration comes by too seldom.",
    "Once": "Asked of the core as a whole and not of each subject.",
}
LIBRARIES = {
    "statemachine": "python-statemachine",
    "aiosqlite": "aiosqlite",
    "sqlite3": "SQLite and the module sqlite3",
    "asyncio": "asyncio",
}
PINNED_SUBJECT = "statemachine"
LAWS_HEAD = f"""# Laws

{WRITTEN} `nox -s properties -- --law NAME` asks one.

*needs* is what a subject must offer to be asked ([judge your own](guides/judge-your-own.md)); a
case of a law may need more. *caught by it* are [mutants](mutants.md) that name the law: it must
break when that bug is in. A file says why its law must hold and what it does not claim.

## Promises of the machine
"""
ASSUMED_HEAD = """## What is assumed of the libraries

Asked of the library itself. *leans on it* is the line of ours that would fall with it.
"""
FAULTS_HEAD = f"""# Faults

{WRITTEN} `nox -s faults` strikes the Nth operation of each means until none fires, once and from
then on, and asks every law of the machine afterwards; `-- --means NAME` strikes one. Where a means
does not work on a host, another of the same fault stands in.

*N* is how many there are to strike while the core opens, attempts, asks and closes, as pinned for
the subject `{PINNED_SUBJECT}` and the releases of `properties/faults/pinned.toml`; `?` is not
pinned. A subject of your own must offer one of what stands last, or has nothing to strike.

| fault | means | the Nth … is struck | N | a subject offers |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    law: Law
    family: str
    in_part: tuple[Offer, ...]


def texts() -> dict[str, str]:
    """Return the content of each page by its name in docs/."""
    return {"laws.md": _laws(), "faults.md": _faults()}


def write(folder: Path = ROOT / "docs") -> list[str]:
    """Write the pages; return their names."""
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(texts())


def _laws() -> str:
    entries = [_entry(path) for path in sorted(SPECS.glob("test_*.py"))]
    parts = [LAWS_HEAD]
    caught = _caught()
    for family, what in PROMISES.items():
        head = "| law | says | needs | caught by it |\n|---|---|---|---|"
        rows = [
            f"| {_link(each.law)} | {_cell(each.law.sentence)} | {_needs(each)} "
            f"| {_names(caught.get(each.law.name, ()))} |"
            for each in entries
            if each.family == family
        ]
        parts.append("\n".join([f"### {family}\n\n{what}\n\n{head}", *rows, ""]))
    parts.append(ASSUMED_HEAD)
    for family in LIBRARIES.values():
        head = "| law | says | leans on it |\n|---|---|---|"
        rows = [
            f"| {_link(each.law)} | {_cell(each.law.sentence.removeprefix('We assume: '))} "
            f"| `{_cell(each.law.leans_on or '')}` |"
            for each in entries
            if each.family == family
        ]
        parts.append("\n".join([f"### {family}\n\n{head}", *rows, ""]))
    return "\n".join(parts)


def _entry(path: Path) -> _Entry:
    module = importlib.import_module(f"properties.specs.{path.stem}")
    law, source = law_of(module), path.read_text("utf-8")
    named = re.findall(r"Offer\.(\w+)", " ".join(re.findall(r"mark\.needs\((.*?)\)", source)))
    in_part = tuple(dict.fromkeys(Offer[name] for name in named))
    if law.kind is LawKind.ASSUMPTION:
        family = _library(source)
    elif hasattr(module, "judge"):
        family = "On every exploration"
    elif Offer.SCENARIOS in law.needs:
        family = "Under chosen schedules"
    else:
        family = "By cases of their own" if "make_subject" in source else "Once"
    return _Entry(law=law, family=family, in_part=in_part)


def _library(source: str) -> str:
    """Return which library a law is about: the first of the list that its file imports."""
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    return next((name for module, name in LIBRARIES.items() if module in imported), "asyncio")


def _caught() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for mutant in all_mutants().values():
        for law in mutant.laws:
            found.setdefault(law, []).append(mutant.name)
    return {law: sorted(names) for law, names in found.items()}


def _faults() -> str:
    return FAULTS_HEAD + "".join(f"{line}\n" for line in _means())


def _means() -> Iterator[str]:
    pinned = [by_subject.get(PINNED_SUBJECT, {}) for by_subject in pins().values()]
    for each in sorted(MEANS.values(), key=lambda means: (means.fault, means.name)):
        counts = []
        for phase in each.phases:
            key = f"{each.name}, {phase.value}"
            known = [found[key].operations for found in pinned if key in found]
            counts.append(f"{phase.value} {'/'.join(map(str, known)) or '?'}")
        offers = ", ".join(sorted(offer.value for offer in each.needs_one_of)) or ""
        yield (
            f"| {_cell(each.fault)} | `{each.name}` | {_cell(each.operation)} "
            f"| {', '.join(counts)} | {_cell(offers)} |"
        )


def _link(law: Law) -> str:
    return f"[{law.name}](../properties/specs/test_{law.name}.py)"


def _needs(entry: _Entry) -> str:
    whole = _offers(entry.law.needs)
    more = _offers(set(entry.in_part) - entry.law.needs)
    return "; ".join(filter(None, [whole, f"some cases: {more}" if more else ""])) or ""


def _offers(offers: Iterable[Offer]) -> str:
    return ", ".join(sorted(_cell(each.value.partition(":")[0]) for each in offers))


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or ""


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", r"\|")
