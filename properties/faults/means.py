"""Every means there is, by name."""

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
