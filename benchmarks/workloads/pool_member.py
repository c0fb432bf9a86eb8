"""One process of a pool: opens the store, moves rows when it is told to, tells what it was told.

    python -m benchmarks.workloads.pool_member DATABASE WAY LEVEL INDEX TASKS FILES

One word a line comes in: ``go N`` takes N transitions and answers with the nanoseconds that they
took; ``forget`` leaves all before it out of the figures; ``tell`` closes the store and answers with
every call and its answer. Moments are of the system's monotonic clock, which processes share.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.closed_loop import ClosedLoop
from benchmarks.database import keys_of
from benchmarks.models import WAYS
from benchmarks.subjects import StoreOnly
from fsmcore import Synchronous


def main(arguments: Sequence[str]) -> int:
    """Serve until ``tell`` or the end of the input."""
    path, way, level, index, tasks, files = arguments
    loop = ClosedLoop(
        StoreOnly(WAYS[way].connections),
        transitions_per_round=1,
        task_count=int(tasks),
        file_count=int(files),
        may_give_up=True,
        seed=1 + int(index),
    )
    loop.join(Path(path), keys_of(int(files)), Synchronous[level])
    _say("ready")
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        if word == "go":
            loop.transitions_per_round = int(number)
            began_ns = time.perf_counter_ns()
            loop.run()
            _say(time.perf_counter_ns() - began_ns)
        elif word == "forget":
            loop.forget()
            _say("forgotten")
        else:
            loop.close()
            noted = list(loop.ledger.noted())
            _say(
                {
                    "earlier": loop.ledger.entries[: len(loop.ledger.entries) - len(noted)],
                    "noted": noted,
                    "tally": asdict(loop.tally),
                }
            )
            return 0
    loop.close()
    return 0


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
