"""The thresholds of the gate, read from `policy.toml`, where each has its reason."""

from pathlib import Path

import msgspec

from reports.session import UsageError, shown

POLICY = Path(__file__).with_name("policy.toml")
WORKLOADS = 3
"""Of `nox -s durability`."""


class TimePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as slower, as close enough, and how sure one must be."""

    margin_percent: float
    tolerance_percent: float
    visible_percent: float
    control_percent: float
    hidden_percent: float
    family_error: float
    confirmation_error: float
    invalid_error: float
    first_epochs: int


class BehaviourPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which kinds of changes pass without a line in the ledger."""

    allowed: list[str]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long each part may take, in seconds, and what the environments may take of the disk."""

    budget_s: float
    laws_s: float
    behaviour_s: float
    benchmarks_s: float
    reserve_s: float
    cache_mb: float


class DurabilityPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long several processes try to lose a row, where the question is about an SQLite."""

    seconds: float
    runs: int

    @property
    def budget_s(self) -> float:
        """What both sides may take: three workloads, and as much again for starting and ending."""
        return 2 * self.side_s

    @property
    def side_s(self) -> float:
        """What one side may take."""
        return WORKLOADS * self.runs * (self.seconds + 20.0)


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of policy.toml; a line that is missing or not known is an error."""

    time: TimePolicy
    behaviour: BehaviourPolicy
    durability: DurabilityPolicy
    limits: Limits


def load(path: Path = POLICY) -> Policy:
    """Read the policy strictly; raises `UsageError` where it says nothing that can be meant."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Policy)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"{shown(path)}: no policy ({error}). Each threshold has one line there, with a reason."
        ) from error
