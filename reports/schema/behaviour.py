"""What libraries were seen to do, scene by scene, and how that differs between two releases."""

import enum

from reports.schema.parts import SCHEMA_VERSION, Count, Record
from reports.schema.sessions import SessionRecord


class Observation(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One event of a scene: what happened, and each of its fields as stable text.

    `actor` is whose event it is: events of different actors have no order of their own.
    """

    event: str
    fields: dict[str, str] = {}
    actor: str = ""


class Scene(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What was seen in one scene: a few calls, or one schedule under the simulation.

    `when` is the scene as the beginning of a sentence ("on activation"). `counts` are exact and
    compared by equality; those named in `details` explain others and are no change by themselves.
    A listing has names for events, in no order. `problem` says why a scene could not be played to
    its end.
    """

    name: str
    when: str
    library: str
    is_listing: bool = False
    observations: list[Observation] = []
    counts: dict[str, Count] = {}
    details: dict[str, Count] = {}
    problem: str | None = None


class BehaviourRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="behaviour"):
    """What one environment does. `schedules` are replayed by the other side."""

    schedules: list[str]
    scenes: list[Scene]
    schema_version: int = SCHEMA_VERSION


class ChangeOutcome(enum.Enum):
    """What a change of behaviour means for the verdict."""

    CHANGED = "changed"
    ALLOWED = "allowed"
    ACCEPTED = "accepted"


class BehaviourChange(Record, frozen=True, kw_only=True):
    """One thing that a library does otherwise.

    `name` is stable and what the ledger calls it, `names` are those of every place where it shows,
    each once, `kind` (a field, a count, or what happened to the
    event) is what the policy speaks about, `sentence` says it to a maintainer, `source`
    names the scene and the event, field or count that it was read from. `ratio` is set for a
    count. `reason` is the policy that lets it pass, or why the ledger does not.
    """

    name: str
    kind: str
    sentence: str
    source: str
    outcome: ChangeOutcome
    before: str | None = None
    after: str | None = None
    ratio: float | None = None
    places: Count = 1
    names: list[str] = []
    reason: str | None = None
    accepted: str | None = None
