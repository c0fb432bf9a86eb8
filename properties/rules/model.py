"""The lifecycle as the judge knows it. Shares no code with what it judges."""

from __future__ import annotations

INITIAL = "untracked"
NEXT: dict[str, dict[str, str]] = {
    "untracked": {"start_upload": "uploading"},
    "uploading": {"complete_upload": "processing", "fail_upload": "failed"},
    "processing": {"complete_processing": "indexed", "fail_processing": "failed"},
    "indexed": {},
    "failed": {},
}
WIDEST = max(map(len, NEXT.values()))
"""The most edges that leave one state."""
EVENTS = (
    "start_upload",
    "complete_upload",
    "complete_processing",
    "fail_upload",
    "fail_processing",
)


def target(state: str, event: str) -> str | None:
    """Return where ``event`` leads from ``state``, or None."""
    return NEXT[state].get(event)
