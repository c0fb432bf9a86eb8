"""What the pages tell people to type can be typed: sessions, options, code, ledgers, workflows."""

import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports import commands, gate, ledger
from reports.commands import HABITS, explained, modules

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"nox -s ([a-z]+)([^#|)]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def blocks(language: str) -> Iterator[tuple[Path, str, str]]:
    """Each fenced block: its page, its text, and the page from its end on."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            if found[1] == language:
                yield page, found[2], text[found.end() :]


def typed() -> Iterator[tuple[str, str]]:
    """Every session that some page names, with what follows it: line by line, or in backticks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line for block in BLOCK.findall(text) for line in block[1].splitlines()]
        inline = re.findall(r"`([^`]+)`", BLOCK.sub("", text))
        for words in (*lines, *(each.replace("\n", " ") for each in inline)):
            if found := TYPED.search(words):
                yield found[1], found[2]


def test_every_session_on_a_page_exists() -> None:
    """And the pages do name sessions."""
    named = {session for session, _ in typed()} - {"NAME"}
    assert len(named) > 15
    assert set() == named - modules().keys()


@pytest.mark.parametrize("session", sorted(set(modules()) - HABITS))
def test_every_option_on_a_page_exists(session: str) -> None:
    """Of each session that takes options of its own; what is handed on to pytest is pytest's."""
    asked = [rest.partition(" -- ")[2] for name, rest in typed() if name == session]
    options = set(OPTION.findall(" ".join(each.partition(" -- ")[0] for each in asked)))
    known = set(OPTION.findall(explained(session)))
    assert set() == options - known


def test_every_option_in_the_table_of_sessions_exists() -> None:
    """Each option of a row belongs to one of the sessions that the row is about."""
    count = 0
    for row in re.findall(r"^\| (`.*)$", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE):
        named, _, said = row.partition(" | ")
        sessions = [
            each
            for each in re.findall(r"[a-z]+", named)
            if modules().get(each) and each not in HABITS
        ]
        options = {
            each for typed in re.findall(r"`(-- [^`]*)`", said) for each in OPTION.findall(typed)
        }
        known = {each for session in sessions for each in OPTION.findall(explained(session))}
        assert set() == options - known, row
        count += len(options)
    assert count > 10


def test_code_on_a_page_runs(tmp_path: Path) -> None:
    """In an empty folder; where the page says what it prints, it prints that."""
    count = 0
    for number, (page, code, rest) in enumerate(blocks("python")):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", code],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (0, "") == (done.returncode, done.stderr), page
        if printed := re.match(r"\s*prints\s*```text\n(.*?)```", rest, re.DOTALL):
            assert printed[1] == done.stdout, page
            count += 1
    assert count


def test_ledger_lines_on_a_page_can_be_written(tmp_path: Path) -> None:
    """Each block is a ledger as the gate reads it."""
    texts = [text for _, text, _ in blocks("toml") if "[[accepted]]" in text]
    assert texts
    for text in texts:
        path = tmp_path / "accepted.toml"
        path.write_text(text, encoding="utf-8")
        assert 1 == len(ledger.read(path))


def test_the_page_of_commands_is_current() -> None:
    """Each session with its help; other releases of Python break its lines elsewhere."""
    written, published = commands.page(), commands.PAGE.read_text(encoding="utf-8")
    assert written.split() == published.split(), "write it anew: python -m reports.commands"


VARIABLE = re.compile(r"\$\{\{ *matrix\.(\w+) *\}\}")


def workflows() -> list[dict[Any, Any]]:
    """Every block that a CI would read."""
    found = [msgspec.yaml.decode(text, type=dict[Any, Any]) for _, text, _ in blocks("yaml")]
    return [each for each in found if "jobs" in each]


def commands_of(job: dict[str, Any]) -> Iterator[str]:
    """Each line that a job runs, once for each value of its matrix."""
    matrix = job.get("strategy", {}).get("matrix", {})
    for step in job["steps"]:
        assert step.keys() & {"run", "uses"}, f"a step does nothing: {step}"
        for line in str(step.get("run", "")).replace("\\\n", " ").splitlines():
            named = set(VARIABLE.findall(line))
            if not isinstance(matrix, dict):
                yield line  # another job makes it
                continue
            assert named <= matrix.keys(), line
            values = [[(name, value) for value in matrix[name]] for name in sorted(named)]
            for chosen in itertools.product(*values):
                asked = line
                for name, value in chosen:
                    asked = re.sub(rf"\$\{{\{{ *matrix\.{name} *\}}\}}", str(value), asked)
                yield asked


def test_every_workflow_on_a_page_runs_what_there_is() -> None:
    """A block is a workflow with triggers and jobs; its sessions take the options it gives them."""
    count = 0
    for workflow in workflows():
        # YAML 1.1 reads a bare `on` as true.
        assert {"name", "jobs"} <= workflow.keys() and {"on", "True", True} & workflow.keys()
        for job in workflow["jobs"].values():
            assert "runs-on" in job
            for line in commands_of(job):
                words = shlex.split(line, comments=True)
                if "nox" not in words:
                    assert words[:4] == ["python", "-m", "pip", "install"], line
                    continue
                assert ["nox", "-s"] == words[:2], line
                assert_typed(words[2], words[4:])
                count += 1
    assert count


def assert_typed(session: str, options: list[str]) -> None:
    """A session that there is, and options that its tool takes, as the gate itself parses them."""
    assert session in modules(), session
    if session == "gate":
        assert gate.build_parser().parse_args(options).requirements
    elif session not in HABITS:
        given = set(OPTION.findall(" ".join(options)))
        assert set() == given - set(OPTION.findall(explained(session)))
