"""How a store gets its connections: a choice of one argument, and the same promises for each."""

from fsmcore.connections.direct import Direct
from fsmcore.connections.group_commit import GroupCommit
from fsmcore.connections.lane import Lane, MakeLane, ThreadLane
from fsmcore.connections.model import (
    CommitFailedError,
    CommitFate,
    ConnectionModel,
    Prepare,
    Receipt,
    Row,
    RowCountError,
    Session,
    Write,
)
from fsmcore.connections.names import MODELS, model_of
from fsmcore.connections.per_transition import PerTransition
from fsmcore.connections.pooled import Pooled
from fsmcore.connections.single_writer import SingleWriter
from fsmcore.native import Synchronous

__all__ = [
    "MODELS",
    "CommitFailedError",
    "CommitFate",
    "ConnectionModel",
    "Direct",
    "GroupCommit",
    "Lane",
    "MakeLane",
    "PerTransition",
    "Pooled",
    "Prepare",
    "Receipt",
    "Row",
    "RowCountError",
    "Session",
    "SingleWriter",
    "Synchronous",
    "ThreadLane",
    "Write",
    "model_of",
]
