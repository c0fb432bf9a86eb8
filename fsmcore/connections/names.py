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


def model_of(given: ConnectionModel | str) -> ConnectionModel:
    """Return a model, or a new one of that name with its defaults.

    Raises ``DefinitionError`` for a name nobody has, and for what is no model: in a caller that no
    type checker reads, it would be told when the store opens, and as somebody else's error.
    """
    names = ", ".join(MODELS)
    if isinstance(given, str):
        if given not in MODELS:
            raise DefinitionError(
                f"no connection model is named {given!r}; give one of {names}, or a model."
            )
        return MODELS[given]()
    kind = type(given).__name__
    if isinstance(given, type):
        raise DefinitionError(
            f"connections is the class {given.__name__}; give a model of it: {given.__name__}()."
        )
    if not all(hasattr(given, each) for each in ("open", "close", "session", "synchronous")):
        raise DefinitionError(
            f"connections is of type {kind}, which is no connection model; give one of {names}, "
            "or a model."
        )
    return given
