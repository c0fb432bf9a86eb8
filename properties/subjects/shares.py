"""Who is asked what: the default subjects everything, the other connection models a share.

Twelve subjects asked everything would take a working day's main job from one minute and a half to
four. What a model can break is told by the evidence of an exploration; what an adapter can break,
the default model shows. So a short profile explores each model once, through the adapter that is
quicker, and asks the laws that this evidence answers. A longer profile, or a caller who names a
subject, asks everything.
"""

from __future__ import annotations

from collections.abc import Collection

from properties.subjects.core import CORE_SUBJECTS, MODEL_SUBJECTS

WHOLE_PROFILES = frozenset({"ci", "nightly"})
SHARED_ADAPTER = "handrolled-"
EXAMPLES_DIVISOR = 5


def subjects_asked_whole(profile_name: str, chosen: Collection[str] = ()) -> list[str]:
    """Return the subjects that are asked every law."""
    return sorted(
        name
        for name in CORE_SUBJECTS
        if name not in MODEL_SUBJECTS or profile_name in WHOLE_PROFILES or name in chosen
    )


def subjects_asked_a_share(profile_name: str, chosen: Collection[str] = ()) -> list[str]:
    """Return the subjects that are asked the laws of ``each_model``; a gate compares none."""
    if profile_name not in {"dev", "brief"}:
        return []
    whole = subjects_asked_whole(profile_name, chosen)
    return sorted(
        name for name in MODEL_SUBJECTS if name.startswith(SHARED_ADAPTER) and name not in whole
    )
