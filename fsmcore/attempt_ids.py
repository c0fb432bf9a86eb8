"""Names for attempts: as unlike as random UUIDs, and in the order of time."""

from __future__ import annotations

import os
import time


def time_ordered_id() -> str:
    """Return a UUID of version 7 in hex, for now.

    The journal is a tree by attempt id. Random ids change a page each; ids in the order of time
    fill the tree from its end, and attempts of one time share a page, which a group of them then
    writes to the log once. Where a clock steps back, or two machines disagree, only that is lost.
    """
    return uuid7_hex(time.time_ns(), int.from_bytes(os.urandom(8)))


def uuid7_hex(unix_ns: int, random_bits: int) -> str:
    """Return the UUID of version 7 of a moment; of ``random_bits`` the lowest 62 are taken.

    RFC 9562, section 5.7, with method 3 of section 6.2: behind the milliseconds come 12 bits of
    their fraction, so that ids of one process rise, one in 245 ns at least.
    """
    milliseconds, rest_ns = divmod(unix_ns, 1_000_000)
    fraction = rest_ns * 4096 // 1_000_000
    variant_and_random = 1 << 63 | random_bits & (1 << 62) - 1
    return f"{milliseconds:012x}7{fraction:03x}{variant_and_random:x}"
