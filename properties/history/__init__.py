"""What was asked, what was answered, and what the file says: the evidence that laws judge."""

from properties.history.audit import JournalRow, Snapshot, snapshot
from properties.history.observer import Observer
from properties.history.operations import Clock, Observation, Operation, timeline

__all__ = [
    "Clock",
    "JournalRow",
    "Observation",
    "Observer",
    "Operation",
    "Snapshot",
    "snapshot",
    "timeline",
]
