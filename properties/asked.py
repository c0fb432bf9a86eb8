"""Which laws must have been asked: `subjects/asked.toml` against what was."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from properties.recording import NO_SUBJECT
from reports.schema import LawRecord, LawVerdict

PINNED = Path(__file__).with_name("subjects") / "asked.toml"


class Docket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The laws asked of each of our subjects, and those asked once, of the libraries.

    ``each_model`` are those that a short profile asks of the other connection models.
    """

    each_subject: list[str]
    each_model: list[str] = []
    once: list[str]


def docket(path: Path = PINNED) -> Docket:
    """Return what is pinned. Raises ``msgspec.ValidationError``."""
    return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Docket)


def dropped(
    records: Iterable[LawRecord],
    pinned: Docket,
    own_subjects: Iterable[str],
    *,
    model_subjects: Iterable[str] = (),
    laws: Collection[str] = (),
    subjects: Collection[str] = (),
) -> list[str]:
    """Return what is pinned, was chosen and was not asked, as ``law [subject]``.

    ``own_subjects`` are asked everything, ``model_subjects`` a share. ``laws`` and ``subjects``
    are the caller's choice; empty ones choose all.
    """
    asked = {
        (record.law, record.subject)
        for record in records
        if record.verdict is not LawVerdict.NOT_ASKED
    }
    due = [(law, subject) for subject in own_subjects for law in pinned.each_subject]
    due += [(law, subject) for subject in model_subjects for law in pinned.each_model]
    due += [(law, NO_SUBJECT) for law in pinned.once]
    return [
        f"{law} [{subject}]"
        for law, subject in due
        if (law, subject) not in asked
        and (not laws or law in laws)
        and (not subjects or subject in subjects)
    ]
