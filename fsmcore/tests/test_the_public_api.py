"""What may be imported, what it says about itself, and what importing it does: nothing."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import fsmcore

NAMES = [
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
QUIET = """
import asyncio, logging, random, sys, threading, warnings
before = random.getstate(), threading.active_count(), list(warnings.filters)
import fsmcore, fsmcore.check, fsmcore.adopt
assert before == (random.getstate(), threading.active_count(), list(warnings.filters))
fsmcore.RetryPolicy().jitter(0.0, 1.0)
assert before[0] == random.getstate()
for name in (None, "fsmcore"):
    logger = logging.getLogger(name)
    assert not logger.handlers, name
assert logging.getLogger("fsmcore").level == logging.NOTSET
assert asyncio.events._get_running_loop() is None
print("quiet")
"""


def test_the_public_names_are_these() -> None:
    """A name that comes or goes is a decision, made here."""
    assert sorted(NAMES) == sorted(fsmcore.__all__)
    assert len(set(NAMES)) == len(NAMES)
    for name in NAMES:
        assert hasattr(fsmcore, name), name


def test_every_public_name_says_what_it_is() -> None:
    """Classes, functions and their public methods have a docstring that begins with a sentence."""
    silent = []
    for name in NAMES:
        thing = getattr(fsmcore, name)
        if not inspect.isclass(thing) and not inspect.isfunction(thing):
            continue
        members = {name: thing}
        if inspect.isclass(thing) and thing.__module__.startswith("fsmcore"):
            members |= {
                f"{name}.{key}": value
                for key, value in vars(thing).items()
                if not key.startswith("_") and (inspect.isfunction(value) or key == "property")
            }
        silent += [key for key, value in members.items() if not (value.__doc__ or "").strip()]
    assert [] == silent


def test_every_error_answers_two_questions() -> None:
    """Whether to retry, and whether the outcome is unknown, is a property of the class."""
    errors = {
        name: (thing.retryable, thing.outcome_unknown)
        for name in NAMES
        if inspect.isclass(thing := getattr(fsmcore, name))
        and issubclass(thing, fsmcore.FsmCoreError)
    }
    special = {name: answers for name, answers in errors.items() if answers != (False, False)}
    assert special == {
        "OutcomeUnknownError": (False, True),
        "StaleTransitionError": (True, False),
        "StoreBusyError": (True, False),
    }
    assert 18 == len(errors)


def test_importing_configures_nothing() -> None:
    """No handler, no loop, no thread, no filter, no draw from the global random stream."""
    root = str(Path(fsmcore.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", QUIET],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert ("quiet\n", "") == (done.stdout, done.stderr)
