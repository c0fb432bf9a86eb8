"""What makes a test a law: its sentence, whose promise it is, and which of our lines lean on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reports.schema import LawKind

if TYPE_CHECKING:
    from types import ModuleType

    from properties.subjects.protocol import Offer

F = TypeVar("F", bound=Callable[..., object])

LAW_PREFIX = "test_"
ASSUMPTION_ATTRIBUTE = "LEANS_ON"
NEEDS_ATTRIBUTE = "NEEDS"
NOT_OFFERED = "does not offer"
IN_PART = "asked in part: "
OFFER_BREAK = "; "


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One file of ``specs``: ``name`` is the file's sentence, ``sentence`` its docstring's.

    ``needs`` is what a subject must offer to be asked.
    """

    name: str
    sentence: str
    kind: LawKind
    leans_on: str | None
    needs: frozenset[Offer]


def law_of(module: ModuleType) -> Law:
    """Return the law that a spec module states. ``LEANS_ON`` makes it an assumption law."""
    leans_on = getattr(module, ASSUMPTION_ATTRIBUTE, None)
    return Law(
        name=module.__name__.rpartition(".")[2].removeprefix(LAW_PREFIX),
        sentence=(module.__doc__ or "").strip().partition("\n")[0],
        kind=LawKind.MACHINE if leans_on is None else LawKind.ASSUMPTION,
        leans_on=leans_on,
        needs=getattr(module, NEEDS_ATTRIBUTE, frozenset()),
    )


def not_offered(law: Law, subject_name: str, offers: frozenset[Offer]) -> str | None:
    """Return why a subject cannot be asked a law, or None when it can."""
    missing = sorted(offer.value for offer in law.needs - offers)
    return f"{subject_name} {NOT_OFFERED} {OFFER_BREAK.join(missing)}" if missing else None
