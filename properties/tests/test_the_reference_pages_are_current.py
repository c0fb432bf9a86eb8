"""docs/laws.md and docs/faults.md say what the laws and the means are."""

import re
from pathlib import Path

from properties import pages
from properties.__main__ import law_names
from properties.faults.means import MEANS
from properties.mutants.registry import all_mutants


def test_each_page_is_what_the_command_writes(tmp_path: Path) -> None:
    """No law, mutant or means changes without its line."""
    assert ["laws.md", "faults.md"] == pages.write(tmp_path)
    old = [name for name, text in pages.texts().items() if text != _published(name)]
    assert [] == old, "write them anew: nox -s properties -- --write-docs"
    assert _published("laws.md") == (tmp_path / "laws.md").read_text("utf-8")


def test_every_law_has_one_line() -> None:
    """With each mutant that must be caught by it, and the line of ours that leans on it."""
    lines = [line for line in _published("laws.md").splitlines() if line.startswith("| [")]
    named = [re.findall(r"\[(\w+)\]", line)[0] for line in lines]
    assert sorted(law_names()) == sorted(named)
    by_law = dict(zip(named, lines, strict=True))
    for mutant in all_mutants().values():
        for law in mutant.laws:
            assert f"`{mutant.name}`" in by_law[law], law
    assert all(
        "fsmcore" in line or "properties" in line
        for law, line in by_law.items()
        if law.startswith("assume_")
    )


def test_every_means_has_one_line() -> None:
    """With numbers where they are pinned."""
    lines = [line for line in _published("faults.md").splitlines() if "| `" in line]
    assert len(MEANS) == len(lines)
    assert all(any(f"`{name}`" in line for line in lines) for name in MEANS)
    assert any(re.search(r"attempt \d+", line) for line in lines)


def _published(name: str) -> str:
    return (pages.ROOT / "docs" / name).read_text("utf-8")
