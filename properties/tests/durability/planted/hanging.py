"""A committer that stops for ever after its first commits, inside a function with a name."""

import sys
import threading

from properties.durability.workers import plain


def wait_for_nobody() -> None:
    """Take a lock twice."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _missing(*_: object) -> None:
    wait_for_nobody()


plain.Committer._missing = _missing  # type: ignore[method-assign, assignment]

if __name__ == "__main__":
    plain.main(sys.argv[1:])
