"""Texts of other people's processes, made safe and short for a reader."""

import re

BRIEF_LENGTH = 240
EXCERPT_HEAD = 24
EXCERPT_TAIL = 8
EXCEPTION_LINE = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Warning)\b")


def printable(text: str) -> str:
    """Text of somebody else's process, without what could move the cursor or hide a line.

    What is left may stand in XML too: lone surrogates and non-characters are not printable.
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def brief(text: str) -> str:
    """One line for a sentence: of a traceback what was raised, of other text the first line."""
    lines = [line.strip(" |+-") for line in text.strip().splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        return ""
    head, is_traceback, _ = lines[0].partition("Traceback")
    raised = [line for line in lines if EXCEPTION_LINE.match(line)]
    if is_traceback and raised:
        head = head.replace("Exception Group", "").strip(" +") + f" {raised[-1]}"
    else:
        head = lines[0]
    return head.strip()[:BRIEF_LENGTH]


def excerpt(text: str) -> str:
    """The beginning and the end of a long text; the end holds the command that replays it."""
    lines = printable(text).splitlines()
    hidden = len(lines) - EXCERPT_HEAD - EXCERPT_TAIL
    if hidden <= 0:
        return "\n".join(lines)
    middle = [f"  ... {hidden} more lines in the record ..."]
    return "\n".join([*lines[:EXCERPT_HEAD], *middle, *lines[-EXCERPT_TAIL:]])
