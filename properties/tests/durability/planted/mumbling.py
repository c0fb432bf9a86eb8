"""A committer whose library prints where it should not."""

import sys

from properties.durability.workers import plain


def _commit(path: str, writer: int, after: int) -> None:
    print("DeprecationWarning: what nobody asked for", flush=True)


plain.commit = _commit

if __name__ == "__main__":
    plain.main(sys.argv[1:])
