"""Meeting an attempt inside of it: at the callback that a law wants to disturb it in."""

from __future__ import annotations

import asyncio

from properties.subjects.protocol import Answer


async def reached(place: asyncio.Event, attempt: asyncio.Future[Answer]) -> None:
    """Wait until the attempt has come there.

    One that ends before breaks the law: with a library whose callbacks do not run, a law that only
    waited would wait for ever, and be unknown.
    """
    waiting = asyncio.ensure_future(place.wait())
    await asyncio.wait((waiting, attempt), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not place.is_set():
        answer = attempt.result()
        told = f"{answer.kind.value}, {answer.detail}"
        raise AssertionError(f"it ended before it came there: {told}")
