"""What every session leaves in reports/out/NAME.json."""

from reports.schema.environment import Environment
from reports.schema.laws import LawRecord
from reports.schema.parts import SCHEMA_VERSION, Figure, Record, Verdict


class SessionRecord(Record, frozen=True, kw_only=True, tag_field="kind", tag="session"):
    """What every session leaves in reports/out/NAME.json."""

    name: str
    verdict: Verdict
    summary: str
    figures: dict[str, Figure] = {}
    versions: dict[str, str] = {}
    environment: Environment | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def last_line(self) -> str:
        """The session's last line on stdout."""
        return f"{self.name}: {self.verdict.value}: {self.summary}"


class LawsRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="laws"):
    """The content of reports/out/properties.json.

    `dropped` are pinned laws that were not asked. `is_partial` marks what stood there before all
    laws were asked: of a run that was ended.
    """

    profile: str
    seed: int | None
    laws: list[LawRecord]
    dropped: list[str] = []
    is_partial: bool = False
