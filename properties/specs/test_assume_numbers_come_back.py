"""Users assume: a number that was written as text in SQL is the number that Python reads in it.

The core binds its numbers; queries beside it hold literals. SQLite 3.47.0 and 3.47.1 round some
decimals that begin like 2^64 wrongly: twice as large. Drawn near powers of two, where conversions
turn.
"""

import contextlib
import math
import sqlite3
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

LEANS_ON = "users of fsmcore: numbers in queries over the journal"

ULPS = 2
"""SQLite promises 15 digits, not the nearest double."""


@st.composite
def decimals(draw: st.DrawFn) -> str:
    """Draw a decimal whose digits begin like a power of two, cut off, with a point and exponent."""
    digits = str(2 ** draw(st.integers(0, 70)) + draw(st.integers(-2, 2))).lstrip("-")
    digits = digits[: draw(st.integers(1, len(digits)))] + draw(st.text("0123456789", max_size=4))
    point = draw(st.integers(0, len(digits)))
    exponent = draw(st.one_of(st.just(""), st.integers(-30, 30).map("e{}".format)))
    return f"{digits[:point] or '0'}.{digits[point:]}{exponent}"


def test_decimals_near_powers_of_two(drawn: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """As a literal and as text that is cast, within two units of the last place."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:

        def holds(decimal: str) -> None:
            expected = float(decimal)
            found = db.execute(f"SELECT {decimal}, CAST(? AS REAL)", (decimal,)).fetchone()
            off = [abs(each - expected) / math.ulp(expected) for each in found]
            assert max(off) <= ULPS, f"{decimal} is read as {found}, not as {expected!r}"

        for power in (31, 32, 53, 63, 64):
            digits = str(2**power)
            for length in range(1, len(digits) + 1):
                for more in ("", "0", "5", "9"):
                    holds(f"{digits[0]}.{digits[1:length]}{more}e{len(digits) - 1}")
        drawn(decimals(), holds)
