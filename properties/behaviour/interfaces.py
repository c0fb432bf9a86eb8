"""The public names of a library and how each is called: they can vanish without a call of ours."""

from __future__ import annotations

import inspect
from types import ModuleType

import aiosqlite
import statemachine
import statemachine.exceptions

from properties.behaviour.notebook import Notebook
from reports.schema import Scene


def signature(value: object) -> str:
    """Return the parameters by name, kind and whether they may be left out; no annotations."""
    try:
        parameters = inspect.signature(value).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return type(value).__name__ if not callable(value) else "(...)"
    marks: dict[object, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
        inspect.Parameter.KEYWORD_ONLY: "*, ",
    }
    shown = [
        marks.get(each.kind, "")
        + each.name
        + ("" if each.default is inspect.Parameter.empty else "=...")
        for each in parameters
    ]
    return f"({', '.join(shown)})"


def _public(owner: object) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


def _of(library: str, module: ModuleType, classes: tuple[type, ...]) -> Scene:
    notebook = Notebook()
    for name in getattr(module, "__all__", None) or _public(module):
        value = getattr(module, name, None)
        if not isinstance(value, ModuleType):
            notebook.see(f"{module.__name__}.{name}", {"takes": signature(value)})
    for each in classes:
        for name in _public(each):
            value = inspect.getattr_static(each, name)
            notebook.see(f"{each.__name__}.{name}", {"takes": signature(value)})
    return Scene(
        name=f"names_of_{module.__name__}",
        when="by its public names",
        library=library,
        is_listing=True,
        observations=notebook.observations,
    )


def scenes() -> list[Scene]:
    """Write down both libraries: the modules that we import, and the classes that we use."""
    return [
        _of("aiosqlite", aiosqlite, (aiosqlite.Connection, aiosqlite.Cursor)),
        _of(
            "python-statemachine",
            statemachine,
            (statemachine.StateMachine, statemachine.State),
        ),
    ]
