"""The connection models, as the judge asks for them: by a name, on threads that it can schedule."""

from __future__ import annotations

from collections.abc import Callable

from fsmcore import ConnectionModel, Direct, GroupCommit, PerTransition, Pooled, SingleWriter
from properties.simulation.lanes import lane_here

MakeModel = Callable[[bool], ConnectionModel]
"""Given whether writers of this process take turns; most models know nothing else."""

MODELS: dict[str, MakeModel] = {
    "per-transition": lambda locked: PerTransition(fair_writer_lock=locked),
    "direct": lambda _: Direct(lanes=lane_here),
    "pooled": lambda locked: Pooled(size=2, fair_writer_lock=locked, lanes=lane_here),
    "single-writer": lambda _: SingleWriter(lanes=lane_here),
    "group-commit": lambda _: GroupCommit(lanes=lane_here),
}
"""Every model by the name that ``fsmcore`` gives it, with its default ``synchronous``, FULL."""

KEPT_COUNTS = {
    "per-transition": 1,
    "direct": 1,
    "pooled": 2,
    "single-writer": 1,
    "group-commit": 1,
}
"""How many connections, each with its thread, stay open while a store is open."""

_TWICE = ("double cancellation ",)
_KEPT = ("AUTH ", "CANTOPEN ", "FULL ", "IOERR_READ ", "READONLY ", *_TWICE)
UNMET: dict[str, tuple[str, ...]] = {
    "direct": _TWICE,
    "pooled": _KEPT,
    "single-writer": _KEPT,
    "group-commit": _KEPT,
}
"""How the faults begin that an attempt of a model does not meet. On a connection that stays open it
opens no file and compiles no statement anew, its pages are in memory, and what fills or locks one
is set on a new connection. Cancelled, it does not suspend again before its hop has ended."""
