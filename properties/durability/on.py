"""Run a module of this checkout on another SQLite: the launcher as a command.

    python -m properties.durability.on VERSION [MODULE [ARGUMENT …]]

`python -m properties.durability.on 3.51.3 properties --profile gate` asks the laws on SQLite
3.51.3. This process becomes that one, so its exit code and its output are the module's own; the
record that it writes says which SQLite it really ran on. Nothing is started on a failure. Without a
MODULE that SQLite is only fetched, so that it is there for later.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from properties.durability.launcher import reach
from properties.session import UsageError, run

USAGE = "give VERSION [MODULE [ARGUMENT …]], as in: 3.51.3 properties --profile gate"


def main(arguments: Sequence[str] | None = None) -> int:
    """Become the module, or fetch what it would run on."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        raise UsageError(USAGE)
    version, *question = words
    sqlite = reach(version)
    if question:
        module, *rest = question
        command = sqlite.command(module, rest, parent=os.getppid())
        sys.stdout.flush()
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    print(f"on: pass: SQLite {sqlite.version} is here", flush=True)
    return 0


if __name__ == "__main__":
    run("on", main)
