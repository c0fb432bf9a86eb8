"""A committer that commits nothing and says that it lives."""

import sys
import time

from properties.durability.telling import Word, tell
from properties.durability.workers import plain


def _commit(path: str, writer: int, after: int) -> None:
    while True:
        tell(Word.ALIVE)
        time.sleep(0.05)


plain.commit = _commit

if __name__ == "__main__":
    plain.main(sys.argv[1:])
