"""What text SQLite can hold exactly, and how any text is shown in a message."""

from __future__ import annotations

_SHOWN_CHARACTERS = 120


def is_storable(text: str) -> bool:
    """Say whether ``text`` has a UTF-8 form; a lone surrogate has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(text: str) -> str:
    """Return ``text`` so that it fits one line of a message, whatever it holds."""
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"
    return text if text.isprintable() else ascii(text)
