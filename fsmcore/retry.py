"""How often a transition is tried again, and how long it waits in between."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fsmcore.errors import DefinitionError, FsmCoreError

T = TypeVar("T")

_private_random = random.Random()  # noqa: S311 - jitter; the global stream stays untouched


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounded retries with exponential backoff and full jitter.

    The wait before try ``n + 1`` is drawn evenly from 0 to ``min(cap_ms, base_ms * 2**(n - 1))``
    (M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). The defaults give
    up after 20 tries and at most 6.01 s of waiting, about the patience of ``sqlite3.connect``.

    ``jitter(low, high)`` returns a number in that range; ``sleep`` takes seconds;
    ``on_retry(error, tries, wait_ms)`` is told of every wait before it begins.
    """

    max_tries: int = 20
    base_ms: float = 2.0
    cap_ms: float = 500.0
    jitter: Callable[[float, float], float] = field(default=_private_random.uniform)
    sleep: Callable[[float], Awaitable[object]] = field(default=asyncio.sleep)
    on_retry: Callable[[FsmCoreError, int, float], None] | None = None

    def __post_init__(self) -> None:
        """Raise ``DefinitionError`` for a policy that cannot be meant."""
        if self.max_tries < 1:
            raise DefinitionError(f"max_tries is {self.max_tries}; one try is the least.")
        if not 0 <= self.base_ms <= self.cap_ms:
            raise DefinitionError(
                f"base_ms is {self.base_ms} and cap_ms {self.cap_ms}; "
                "0 <= base_ms <= cap_ms must hold."
            )

    def longest_wait_ms(self, tries: int) -> float:
        """Return the upper end of the wait after ``tries`` failed tries."""
        return min(self.cap_ms, self.base_ms * 2.0 ** min(tries - 1, 64))

    async def run(
        self,
        operation: Callable[[int], Awaitable[T]],
        *,
        is_final: Callable[[FsmCoreError], bool] = lambda _error: False,
    ) -> T:
        """Call ``operation(tries)``, from 1 on, until it returns or may not be tried again.

        ``is_final`` may refuse to try a retryable error again. Safe to cancel where
        ``operation`` is.
        """
        for tries in itertools.count(1):
            try:
                return await operation(tries)
            except FsmCoreError as error:
                if not error.retryable or is_final(error):
                    raise
                if tries >= self.max_tries:
                    error.add_note(f"Gave up after {tries} tries.")
                    raise
                await self.wait(error, tries)
        raise AssertionError("counting never ends")

    async def wait(self, error: FsmCoreError, tries: int) -> None:
        """Sleep before the next try. Safe to cancel."""
        wait_ms = self.jitter(0.0, self.longest_wait_ms(tries))
        if self.on_retry is not None:
            self.on_retry(error, tries, wait_ms)
        await self.sleep(wait_ms / 1000)
