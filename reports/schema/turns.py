"""What a measured process and its referee say to each other: one JSON object a line.

A process asks for a turn before each round of each benchmark, outside every clock, and begins when
it is answered. Whoever asks for the next turn, or hangs up, has ended the one before.
"""

from reports.schema.parts import Count, Record


class TurnRequest(Record, frozen=True, kw_only=True):
    """A process is ready for this round of this benchmark, counted from 0."""

    benchmark: str
    round: Count


GO = b"go\n"
"""The whole of an answer."""
