"""A checkpointer that removes the WAL instead: commits go on into a file without a name."""

import contextlib
import os
import sys
import time

from properties.durability.telling import Word, tell
from properties.durability.workers import plain

FULL_BYTES = 500_000


def _unlink(path: str) -> None:
    wal = f"{path}-wal"
    while True:
        with contextlib.suppress(FileNotFoundError):
            if os.path.getsize(wal) > FULL_BYTES:
                os.unlink(wal)
        tell(Word.CHECKPOINTS, 1)
        time.sleep(0.01)


plain.checkpoint = _unlink
plain.CHECKPOINT = "SELECT 1"  # nobody copies anything, so that all of it is in that file
plain.Committer._missing = lambda *_: None  # type: ignore[method-assign]

if __name__ == "__main__":
    plain.main(sys.argv[1:])
