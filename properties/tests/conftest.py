"""What all tests of the judge share."""

from __future__ import annotations

import asyncio


def pytest_configure() -> None:
    """Make sure that a loop is current only where somebody has made one.

    pytest-asyncio asks for the current loop so as to give it back later. Up to Python 3.13 asking
    makes one, which nobody closes: the first ``asyncio.run`` drops it, and some test fails for it.
    """
    asyncio.set_event_loop(None)
