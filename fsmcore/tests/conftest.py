"""Fixtures, and the leak probe that runs after every test."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmcore import MachineFactory
from fsmcore.tests.support import (
    ADAPTERS,
    Connections,
    descriptors,
    recorded_connections,
    settle_threads,
)


@pytest.fixture(autouse=True)
def native() -> Iterator[Connections]:
    """Count connections, threads and descriptors; all must be back where they were."""
    threads = {thread.ident or 0 for thread in threading.enumerate()}
    before = Counter(descriptors())
    with recorded_connections() as seen:
        yield seen
    assert [] == settle_threads(threads)
    assert 0 == seen.open_count, f"{seen.open_count} connections were left open"
    seen.opened.clear()
    seen.closed.clear()
    left = Counter(descriptors()) - before
    if left:
        gc.collect()  # closes an event loop, and the only thing that closes a forgotten connection
        left = Counter(descriptors()) - before
    assert {} == left


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be made."""
    return tmp_path / "files.db"


@pytest.fixture(params=sorted(ADAPTERS))
def machine(request: pytest.FixtureRequest) -> MachineFactory:
    """Return each adapter in turn."""
    return ADAPTERS[request.param]
