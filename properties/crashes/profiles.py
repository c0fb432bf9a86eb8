"""How hard a run tries."""

from __future__ import annotations

from dataclasses import dataclass

from properties.crashes.examination import Effort
from properties.crashes.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Sizes by name. ``cut_stride`` is for one mode, ``kill_stride`` 1 means every operation."""

    name: str
    workload: Workload
    effort: Effort
    cut_stride: int
    recovered_images: int
    kill_stride: int


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="dev",
            workload=Workload(file_count=1, life_count=1),
            effort=Effort(subset_count=1, most_changes=8),
            cut_stride=97,
            recovered_images=4,
            kill_stride=19,
        ),
        Profile(
            name="ci",
            workload=Workload(file_count=2, life_count=2),
            effort=Effort(subset_count=12, most_changes=12),
            cut_stride=1,
            recovered_images=24,
            kill_stride=1,
        ),
        Profile(
            name="nightly",
            workload=Workload(file_count=4, life_count=3),
            effort=Effort(subset_count=40, most_changes=24),
            cut_stride=1,
            recovered_images=100,
            kill_stride=1,
        ),
    )
}
