"""How hard a run tries: Hypothesis settings by name.

Profiles take the default one as parent and say `derandomize` and `database` themselves: under
`CI=true` Hypothesis loads its own profile, and whatever is registered later would inherit from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis import settings


FIXED_MINUTES, FIXED_MINUTES_OF_ALL = 0.6, 2.2
"""What two idle cores need for what is no case: searches that end, two hundred transitions. Of the
default connection model's subjects, and of all twelve, which `ci` and `nightly` ask everything."""
DEV_MINUTES = 1.0
"""What they need beside that for as many cases as `dev` has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """``explored_count`` examples for each explored subject, ``drawn_count`` for each other law.

    ``walk_count`` is the number of schedules, or some small multiple, for each law that walks.

    ``point_count`` is the least number of operations that each fault strikes.

    ``shrinks`` says whether a counterexample is made small: a gate asks whether there is one.
    """

    name: str
    explored_count: int
    drawn_count: int
    walk_count: int
    step_count: int
    point_count: int = 4
    shrinks: bool = True

    def within(self, minutes: float) -> Profile:
        """Return this profile with as many cases as two idle cores try in about ``minutes``.

        Counted, not timed, so that the same seed draws the same again. Whatever the box, each law
        is asked; what is over is spent in proportion to `dev`, up to what this profile tries.
        """
        is_of_all = self.name in WHOLE_PROFILES
        left = minutes - (FIXED_MINUTES_OF_ALL if is_of_all else FIXED_MINUTES)
        factor = left / DEV_MINUTES
        dev = PROFILES["dev"]
        return replace(
            self,
            explored_count=_scaled(dev.explored_count, factor, self.explored_count),
            drawn_count=_scaled(dev.drawn_count, factor, self.drawn_count),
            walk_count=_scaled(dev.walk_count, factor, self.walk_count),
        )

    def shared(self, divisor: int) -> Profile:
        """Return this profile with a part of its cases, and as many walks as `dev` has at least.

        With fewer, a law that must see a retry may see none.
        """
        return replace(
            self,
            explored_count=max(1, self.explored_count // divisor),
            drawn_count=max(1, self.drawn_count // divisor),
            walk_count=max(min(12, self.walk_count), self.walk_count // divisor),
            point_count=max(1, self.point_count // 2),
        )

    def _settings(self, count: int) -> settings:
        # Here and not above: pytest rewrites Hypothesis's plugin, which it can only do first.
        from hypothesis import HealthCheck, Phase, settings

        phases = [Phase.explicit, Phase.generate] + ([Phase.shrink] if self.shrinks else [])
        return settings(
            settings.get_profile("default"),
            max_examples=count,
            stateful_step_count=self.step_count,
            deadline=None,
            derandomize=False,
            database=None,
            phases=phases,
            print_blob=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )

    @property
    def explored(self) -> settings:
        """Settings of an exploration."""
        return self._settings(self.explored_count)

    @property
    def drawn(self) -> settings:
        """Settings of a law that draws its own cases."""
        return self._settings(self.drawn_count)


def _scaled(count: int, factor: float, most: int) -> int:
    return max(5, min(most, round(count * factor)))


WHOLE_PROFILES = frozenset({"ci", "nightly"})
"""These ask each subject every law."""

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(name="minimums", explored_count=10, drawn_count=15, walk_count=5, step_count=8),
        Profile(
            name="gate",
            explored_count=25,
            drawn_count=15,
            walk_count=8,
            step_count=8,
            shrinks=False,
        ),
        Profile(
            name="brief",
            explored_count=5,
            drawn_count=6,
            walk_count=4,
            step_count=10,
            point_count=1,
        ),
        Profile(name="dev", explored_count=40, drawn_count=30, walk_count=12, step_count=10),
        Profile(name="ci", explored_count=160, drawn_count=160, walk_count=120, step_count=12),
        Profile(
            name="nightly", explored_count=3000, drawn_count=2000, walk_count=1500, step_count=20
        ),
    )
}
PROFILES["unshrunk"] = replace(PROFILES["dev"], name="unshrunk", shrinks=False)
