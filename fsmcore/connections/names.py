"""Every connection model by the name that a caller, an option or a record gives it."""

from __future__ import annotations

from collections.abc import Callable

from fsmcore.connections.direct import Direct
from fsmcore.connections.group_commit import GroupCommit
from fsmcore.connections.model import ConnectionModel
from fsmcore.connections.per_transition import PerTransition
from fsmcore.connections.pooled import Pooled
from fsmcore.connections.single_writer import SingleWriter
from fsmcore.errors import DefinitionError

MODELS: dict[str, Callable[[], ConnectionModel]] = {
    "per-transition": PerTransition,
    "direct": Direct,
    "pooled": Pooled,
    "single-writer": SingleWriter,
    "group-commit": GroupCommit,
}
"""Each with its defaults; ``docs/connections.md`` says which to use when."""


def model_named(name: str) -> ConnectionModel:
    """Return a new model with its defaults; raises ``DefinitionError`` for a name nobody has."""
    maker = MODELS.get(name)
    if maker is None:
        raise DefinitionError(
            f"no connection model is named {name!r}; give one of {', '.join(MODELS)}, or a model."
        )
    return maker()
