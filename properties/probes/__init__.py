"""What must not outlive its owner: one probe a file, each a list of findings."""

from properties.probes.connections import ConnectionProbe
from properties.probes.descriptors import DescriptorProbe
from properties.probes.loop_queues import loop_findings
from properties.probes.loop_thread import LoopThreadProbe
from properties.probes.memory import MemoryProbe
from properties.probes.objects import ObjectProbe
from properties.probes.tasks import task_findings
from properties.probes.threads import ThreadProbe
from properties.probes.wal import integrity_findings, wal_findings
from properties.probes.write_lock import write_lock_findings

__all__ = [
    "ConnectionProbe",
    "DescriptorProbe",
    "LoopThreadProbe",
    "MemoryProbe",
    "ObjectProbe",
    "ThreadProbe",
    "integrity_findings",
    "loop_findings",
    "task_findings",
    "wal_findings",
    "write_lock_findings",
]
