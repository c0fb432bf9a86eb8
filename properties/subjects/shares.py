"""Who is asked what, and how much of it: a working day's main job asks everybody a share.

Twelve subjects asked everything would take it from one minute and a half to four. What a model can
break is told by the evidence of an exploration; what an adapter can break, the default model shows.
So a short profile explores each model once, through the adapter that is quicker, and asks the laws
that this evidence answers. Of the four on the default model, two show each adapter once and the
locks once present and once not: they are tried at length, and the other two, which join what was
tried apart, briefly. A longer profile asks everything, the models with fewer cases than the default
one; and a caller who names a subject has it tried at length.
"""

from __future__ import annotations

from collections.abc import Collection

from properties.profiles import WHOLE_PROFILES, Profile
from properties.subjects.core import CORE_SUBJECTS, MODEL_SUBJECTS

SHARED_ADAPTER = "handrolled-"
TRIED_BRIEFLY = frozenset({"handrolled", "statemachine-unlocked"})
MODEL_DIVISOR = 5
BRIEF_DIVISOR = 3


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


def share_of(profile: Profile, subject_name: str | None, chosen: Collection[str] = ()) -> Profile:
    """Return how hard ``profile`` tries with this subject: at length, or a share of the cases."""
    if subject_name in chosen:
        return profile
    if subject_name in MODEL_SUBJECTS:
        return profile.shared(MODEL_DIVISOR)
    if profile.name == "dev" and subject_name in TRIED_BRIEFLY:
        return profile.shared(BRIEF_DIVISOR)
    return profile
