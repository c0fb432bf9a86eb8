"""How a failed assertion is told to somebody who has not read the test."""

from __future__ import annotations

import re

_WHERE = re.compile(r"^\s*\+\s+(where|and) .*\n?", re.MULTILINE)
_HINT = re.compile(r"^\s*(\.\.\.Full output truncated.*|Use -v.*)\n?", re.MULTILINE)


def told(error: BaseException) -> str:
    """Return what ``error`` says, without pytest's notes on where each value came from."""
    text = _HINT.sub("", _WHERE.sub("", str(error))).rstrip()
    return text.removesuffix("\nassert False")
