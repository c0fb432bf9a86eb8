"""Writes down what is seen in one scene, as text that two runs print alike."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from reports.schema import Observation, Scene

_ADDRESS = re.compile(r"(?: at)? ?\(?0x[0-9a-fA-F]+\)?")
_IDENTITY = re.compile(r"\d{9,}")
_PATH = re.compile(r"(?:/[^\s'\":]+)+/")
VALUE_LENGTH = 200


def text_of(value: object) -> str:
    """Return a value as text: no addresses, no folders, of objects without a text the class."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        shown = repr(value)
    elif isinstance(value, BaseException):
        shown = f"{type(value).__name__}: {value}"
    elif isinstance(value, (list, tuple)):
        inner = ", ".join(map(text_of, value))
        shown = f"[{inner}]" if isinstance(value, list) else f"({inner})"
    elif isinstance(value, (set, frozenset)):
        shown = "{" + ", ".join(sorted(map(text_of, value))) + "}"
    elif isinstance(value, dict):
        pairs = (f"{text_of(key)}: {text_of(each)}" for key, each in value.items())
        shown = "{" + ", ".join(pairs) + "}"
    elif type(value).__repr__ is object.__repr__:
        shown = f"<{type(value).__name__}>"
    else:
        shown = repr(value)
    return _PATH.sub("", _IDENTITY.sub("N", _ADDRESS.sub("", shown)))[:VALUE_LENGTH]


class Notebook:
    """The observations of one scene, in their order.

    The name of a field is a verb, so that a difference reads as a sentence: an event *returns*,
    *raises*, *says*, *gets source*.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.observations: list[Observation] = []
        self.counts: dict[str, int] = {}

    def see(
        self, event: str, fields: Mapping[str, object] | None = None, *, actor: str = ""
    ) -> None:
        """Write down one event; a field that is a string stands as it is."""
        shown = {
            name: each if isinstance(each, str) else text_of(each)
            for name, each in (fields or {}).items()
        }
        self.observations.append(Observation(event=event, fields=shown, actor=actor))

    def call(self, what: str, make: Callable[[], Any], *, actor: str = "") -> Any:
        """Write down what a plain call returns or raises; returns None where it raises."""
        try:
            value = make()
        except Exception as error:  # noqa: BLE001 - what is raised is what is written down
            self._raised(what, error, "at the call", actor)
            return None
        self.see(what, {"returns": value}, actor=actor)
        return value

    async def ask(self, what: str, make: Callable[[], Any], *, actor: str = "") -> Any:
        """Write down what comes of a call that may have to be awaited, and where it raises."""
        try:
            value = make()
        except Exception as error:  # noqa: BLE001 - what is raised is what is written down
            self._raised(what, error, "at the call, before any await", actor)
            return None
        if inspect.isawaitable(value):
            try:
                value = await value
            except asyncio.CancelledError:
                self.see(what, {"raises": "CancelledError when awaited"}, actor=actor)
                raise
            except Exception as error:  # noqa: BLE001 - what is raised is what is written down
                self._raised(what, error, "when awaited", actor)
                return None
        self.see(what, {"returns": value}, actor=actor)
        return value

    def _raised(self, what: str, error: Exception, where: str, actor: str) -> None:
        code = getattr(error, "sqlite_errorname", None)
        names = sorted(name for name in vars(error) if not name.startswith(("_", "sqlite_")))
        fields = {"raises": f"{type(error).__name__} {where}", "says": text_of(str(error))}
        if code:
            fields["gives the code"] = str(code)
        if names:
            fields["raises with"] = ", ".join(names)
        self.see(what, fields, actor=actor)

    def scene(self, name: str, when: str, library: str, problem: str | None = None) -> Scene:
        """Return the page."""
        return Scene(
            name=name,
            when=when,
            library=library,
            observations=self.observations,
            counts=self.counts,
            problem=problem,
        )
