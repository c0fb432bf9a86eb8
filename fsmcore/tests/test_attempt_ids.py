"""Attempt ids that nobody gave: UUIDs of version 7."""

from __future__ import annotations

import uuid
from pathlib import Path

from fsmcore import FileTransitionManager, Store
from fsmcore.attempt_ids import time_ordered_id, uuid7_hex

RFC_EXAMPLE_MS = 0x017F22E279B0
RFC_EXAMPLE_FRACTION = 0xCC3
RFC_EXAMPLE_RANDOM = 0x18C4DC0C0C07398F
ODD_MS, TICK_NS = 1_700_000_000_123, 245


def test_the_example_of_the_rfc() -> None:
    """RFC 9562, appendix A.6, its twelve bits read as a fraction of a millisecond."""
    rest_ns = -(-RFC_EXAMPLE_FRACTION * 1_000_000 // 4096)
    made = uuid7_hex(RFC_EXAMPLE_MS * 1_000_000 + rest_ns, RFC_EXAMPLE_RANDOM)
    assert "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" == str(uuid.UUID(made))


def test_ids_rise_with_time() -> None:
    """Whatever their random bits; across the border of a millisecond too."""
    moments = [ODD_MS * 1_000_000 + TICK_NS * tick for tick in range(8_200)]
    ids = [uuid7_hex(moment, -(index % 2)) for index, moment in enumerate(moments)]
    assert sorted(ids) == ids
    assert len(moments) == len(set(ids))


def test_an_id_is_a_uuid_of_its_version() -> None:
    """As long as a random one in hex, and no two of one moment alike."""
    made = [uuid.UUID(time_ordered_id()) for _ in range(100)]
    assert {(7, uuid.RFC_4122)} == {(each.version, each.variant) for each in made}
    assert 100 == len({each.int & (1 << 62) - 1 for each in made})


async def test_attempts_that_nobody_named_are_named_in_the_order_of_time(path: Path) -> None:
    """And so the journal's tree by attempt is in the order of its rows."""
    async with Store(path, create=True) as store:
        manager = FileTransitionManager(store)
        for number in range(3):
            await manager.track(f"{number}.txt")
            await manager.transition(f"{number}.txt", "start_upload")
        entries = await store.journal()
    named = [each.attempt_id for each in entries]
    assert {7} == {uuid.UUID(each).version for each in named}
    assert sorted(named) == named
