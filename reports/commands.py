"""``python -m reports.commands``: the sessions and their options as docs/commands.md.

In the environment of ``nox -s tests``, the one that has what every session's tool imports.
"""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from reports import session

PAGE = session.ROOT / "docs" / "commands.md"
WIDTH = "96"
BAR = r"\|"
HEAD = """# Commands

Written by `python -m reports.commands`; a test compares. Each is a session:
`nox -s NAME -- OPTIONS`; `nox -s NAME -- --help` says what stands here.

| session | does |
|---|---|
"""


@cache
def modules() -> dict[str, str]:
    """The module that each session of the noxfile starts; empty where that is no tool of ours."""
    source = (session.ROOT / "noxfile.py").read_text(encoding="utf-8")
    found = {}
    for name, _, body in _SESSION.findall(source):
        started = re.search(r'"-m", "([\w.]+)"', body)
        found[name] = started[1] if started else ""
    return found


_SESSION = re.compile(
    r'@nox\.session\ndef (\w+)\(.*?\n    """(.*?)"""\n(.*?)(?=\n\n\n|\Z)', re.DOTALL
)
HABITS = {"docs", "lint", "minimums", "tests", "types", "wheel"}
"""These take the options of the tool that they start."""


@cache
def explained(name: str) -> str:
    """What the session's tool says of its options."""
    done = subprocess.run(
        [sys.executable, "-m", modules()[name], "--help"],
        cwd=session.ROOT,
        env={**os.environ, "COLUMNS": WIDTH, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def page() -> str:
    """The content of docs/commands.md."""
    source = (session.ROOT / "noxfile.py").read_text(encoding="utf-8")
    told = {name: " ".join(says.split()) for name, says, _ in _SESSION.findall(source)}
    links = {name: name if name in HABITS else f"[{name}](#{name})" for name in told}
    rows = [f"| {links[name]} | {says.replace('|', BAR)} |" for name, says in told.items()]
    parts = [HEAD + "\n".join(rows) + "\n"]
    parts += [
        f"## {name}\n\n```text\n{explained(name).strip()}\n```\n"
        for name in told
        if name not in HABITS
    ]
    return "\n".join(parts)


def main() -> int:
    """Write the page; the last line says how much."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{len(modules())} sessions in {session.shown(Path(PAGE))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
