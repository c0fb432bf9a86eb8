"""One cell for whoever hands cells out: JSON on standard input, its answer on standard output.

    python -m reports.task

What it says meanwhile goes to standard error. `command` starts it so that it ends with whoever
started it, and what it has started ends with it: a worker that is killed leaves nobody behind who
would disturb the next cell. Exit code: 0 where there is an answer, whatever it says.
"""

import sys

import msgspec
from rich.console import Console

from reports import session
from reports.cell import Answering
from reports.environments import Builder
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.schema import Asked, Cell

_SET_BY_A_NANNY = (
    "MALLOC_TRIM_THRESHOLD_",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
"""What Dask sets for its workers, and what they start would inherit: laws took a fifth longer."""
_START = f'unset {" ".join(_SET_BY_A_NANNY)}; exec "$0" -I reports/launch.py - "$PPID" "$0" '
_START += "-m reports.task"
"""Only a shell on the worker's machine knows who its parent is; `launch.py` dies with that one."""


def command(python: str) -> list[str]:
    """How a task is started, in the folder of a checkout, by an interpreter of that machine."""
    return ["/bin/sh", "-c", _START, python]


def main() -> int:
    """Answer one cell."""
    cell = msgspec.json.decode(sys.stdin.buffer.read(), type=Cell)
    progress = Progress(Console(stderr=True, highlight=False))
    builder = Builder(
        root=session.ROOT,
        cache=session.ROOT / ".gate",
        pulse=progress.within("uv"),
        is_compiled=cell.asked is Asked.BENCHMARKS,
    )
    with terminating_like_interrupt():
        record = Answering(builder=builder, progress=progress).answer(cell)
    sys.stdout.buffer.write(msgspec.json.encode(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
