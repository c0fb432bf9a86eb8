"""A committer that acknowledges without COMMIT, now and then."""

import sys

from properties.durability.telling import Word, tell
from properties.durability.workers import plain


def _commit(self: plain.Committer, update: str, slot: int) -> int:
    ordinal: int = self._ordinal + 1
    self._db.execute("BEGIN IMMEDIATE")
    self._db.execute(update, (ordinal, self._writer, slot))
    self._db.execute(plain.INSERT_JOURNAL, (self._writer, ordinal))
    self._db.execute("ROLLBACK" if ordinal % 50 == 0 else "COMMIT")
    tell(Word.ACKNOWLEDGED, self._writer, ordinal)
    self._ordinal = ordinal
    return ordinal


plain.Committer._commit = _commit  # type: ignore[method-assign]
plain.Committer._missing = lambda *_: None  # type: ignore[method-assign]

if __name__ == "__main__":
    plain.main(sys.argv[1:])
