"""A checkpointer that removes the WAL instead: commits go on into a file without a name."""

import contextlib
import os
import sys

from properties.durability.telling import Word, tell
from properties.durability.workers import plain


def _unlink(path: str) -> None:
    while True:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}-wal")
            tell(Word.CHECKPOINTS, 1)


plain.checkpoint = _unlink
plain.Committer._missing = lambda *_: None  # type: ignore[method-assign]

if __name__ == "__main__":
    plain.main(sys.argv[1:])
