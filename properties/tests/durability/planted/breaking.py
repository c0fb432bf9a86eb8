"""A committer with a slip of the pen in it."""

import sys

from properties.durability.workers import plain


def _round(*_: object) -> None:
    raise NameError("name 'slip' is not defined")


plain.Committer.round = _round  # type: ignore[method-assign, assignment]

if __name__ == "__main__":
    plain.main(sys.argv[1:])
