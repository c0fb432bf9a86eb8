"""A minimal durable state machine for files, on SQLite in WAL mode.

python-statemachine decides, aiosqlite writes, a version check settles races.
"""

from fsmcore.adapters import HandRolledAdapter, StateMachineAdapter
from fsmcore.connections import (
    ConnectionModel,
    Direct,
    GroupCommit,
    PerTransition,
    Pooled,
    SingleWriter,
    Synchronous,
)
from fsmcore.errors import (
    AfterCommitError,
    AttemptReusedError,
    DefinitionError,
    FileAlreadyTrackedError,
    FileNotTrackedError,
    FsmCoreError,
    GuardRejectedError,
    InvalidKeyError,
    MachineContractError,
    OutcomeUnknownError,
    SchemaMismatchError,
    StaleTransitionError,
    StoreBusyError,
    StoreCorruptError,
    StoreUnavailableError,
    TransitionNotAllowedError,
    UnknownEventError,
    UnknownStateError,
)
from fsmcore.event_log import EventCollector, EventRecord, EventSink, JsonLinesSink, Outcome
from fsmcore.invariants import Violation, audit
from fsmcore.lifecycle import FILE_LIFECYCLE, Edge, Lifecycle
from fsmcore.locks import FileLockManager, FileLocks, NoFileLocks
from fsmcore.protocol import FileStateMachineProtocol, MachineFactory
from fsmcore.retry import RetryPolicy
from fsmcore.rows import FileRow, JournalEntry
from fsmcore.schema import Schema
from fsmcore.store import AttemptOutcome, Fate, Store
from fsmcore.transitions import FileTransitionManager, TransitionResult

__all__ = [
    "FILE_LIFECYCLE",
    "AfterCommitError",
    "AttemptOutcome",
    "AttemptReusedError",
    "ConnectionModel",
    "DefinitionError",
    "Direct",
    "Edge",
    "EventCollector",
    "EventRecord",
    "EventSink",
    "Fate",
    "FileAlreadyTrackedError",
    "FileLockManager",
    "FileLocks",
    "FileNotTrackedError",
    "FileRow",
    "FileStateMachineProtocol",
    "FileTransitionManager",
    "FsmCoreError",
    "GroupCommit",
    "GuardRejectedError",
    "HandRolledAdapter",
    "InvalidKeyError",
    "JournalEntry",
    "JsonLinesSink",
    "Lifecycle",
    "MachineContractError",
    "MachineFactory",
    "NoFileLocks",
    "Outcome",
    "OutcomeUnknownError",
    "PerTransition",
    "Pooled",
    "RetryPolicy",
    "Schema",
    "SchemaMismatchError",
    "SingleWriter",
    "StaleTransitionError",
    "StateMachineAdapter",
    "Store",
    "StoreBusyError",
    "StoreCorruptError",
    "StoreUnavailableError",
    "Synchronous",
    "TransitionNotAllowedError",
    "TransitionResult",
    "UnknownEventError",
    "UnknownStateError",
    "Violation",
    "audit",
]
