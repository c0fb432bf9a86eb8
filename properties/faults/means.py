"""Every means there is, by name, and which of them take over where others do not work."""

from __future__ import annotations

from properties.faults.authorizer import AUTHORIZER
from properties.faults.callbacks import CALLBACKS
from properties.faults.cancellation import CANCELLATIONS
from properties.faults.clock import CLOCKS
from properties.faults.damage import DAMAGES
from properties.faults.disk import DISKS
from properties.faults.interrupt import INTERRUPT
from properties.faults.limits import LIMITS
from properties.faults.neighbours import NEIGHBOURS
from properties.faults.plan import Means
from properties.faults.process_limits import PROCESS_LIMITS

MEANS: dict[str, Means] = {
    each.name: each
    for each in (
        INTERRUPT,
        AUTHORIZER,
        *CANCELLATIONS,
        *CALLBACKS,
        *NEIGHBOURS,
        *LIMITS,
        *DAMAGES,
        *DISKS,
        *CLOCKS,
        *PROCESS_LIMITS,
    )
}


def standing_in(absent: str) -> list[str]:
    """Return the other means of the fault that ``absent`` would have brought."""
    fault = MEANS[absent].fault
    return [name for name, each in MEANS.items() if each.fault == fault and name != absent]
