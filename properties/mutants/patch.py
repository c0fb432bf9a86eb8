"""Small changes of the core that fail loudly when what they change is gone.

A bug is written as a change of one function, class or constant of ``fsmcore``, never as a copy of
it. A change that finds its target gone, moved, or of another shape raises ``PatchError``: a core
that is rewritten cannot quietly turn a mutant into the core itself.
"""

from __future__ import annotations
import __future__

import functools
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

Owner = ModuleType | type
DEEPEST = 40


class PatchError(Exception):
    """What was to be changed is not there, or not in the shape that the change was written for."""


class Patch:
    """The changes of one mutant, made as they are called and undone in reverse order."""

    def __init__(self, name: str) -> None:
        """Change nothing yet. ``name`` says whose changes these are."""
        self.name = name
        self.count = 0
        self._undo: list[Callable[[], None]] = []

    def source(self, owner: Owner, name: str, *hunks: tuple[str, str]) -> None:
        """Replace pieces of a function's source: each ``(old, new)``, ``old`` there exactly once.

        ``old`` and ``new`` are written as they stand in the file, however far they are indented.
        The changed function sees its module's names; a decorator is applied again.
        """
        original = _attribute(owner, name)
        try:
            text = textwrap.dedent(inspect.getsource(_function_of(original)))
        except (OSError, TypeError) as error:
            raise PatchError(f"{_told(owner, name)} has no source: {error}") from error
        for old, new in hunks:
            text = _replaced(text, *_indented(text, old, new), _told(owner, name))
        self._set(owner, name, self._compiled(owner, name, text))

    def text(self, owner: Owner, name: str, old: str, new: str) -> None:
        """Replace ``old``, there exactly once, in a text constant."""
        whole = _attribute(owner, name)
        if not isinstance(whole, str):
            raise PatchError(f"{_told(owner, name)} is no text")
        self._set(owner, name, _replaced(whole, old, new, _told(owner, name)))

    def value(self, owner: Owner, name: str, old: object, new: object) -> None:
        """Replace a constant that is equal to ``old``."""
        found = _attribute(owner, name)
        if found != old or type(found) is not type(old):
            raise PatchError(f"{_told(owner, name)} is {found!r} and not {old!r}")
        self._set(owner, name, new)

    def default(self, owner: Owner, name: str, parameter: str, old: object, new: object) -> None:
        """Replace the default of a function's ``parameter``, which is ``old``."""
        function = _function_of(_attribute(owner, name))
        found = inspect.signature(function).parameters.get(parameter)
        if found is None or found.default != old:
            raise PatchError(f"{_told(owner, name)}: {parameter} has no default {old!r}")
        keywords, places = function.__kwdefaults__, function.__defaults__
        if keywords is not None and parameter in keywords:
            self._assign(function, "__kwdefaults__", keywords, {**keywords, parameter: new})
        else:
            names = [
                each.name
                for each in inspect.signature(function).parameters.values()
                if each.default is not each.empty and each.kind is not each.KEYWORD_ONLY
            ]
            changed = tuple(
                new if each == parameter else value
                for each, value in zip(names, places or (), strict=True)
            )
            self._assign(function, "__defaults__", places, changed)

    def around(self, owner: Owner, name: str) -> Callable[[Callable[..., Any]], None]:
        """Decorate the replacement of a function; it takes the original before its arguments.

        The other parameters must have the names and kinds of the original's, and it must be async
        when that is.
        """
        original = _attribute(owner, name)

        def replace(made: Callable[..., Any]) -> None:
            old, new = _shape(_function_of(original)), _shape(made)
            if old != (new[0][1:], new[1]):
                raise PatchError(f"{_told(owner, name)} is {old}, the replacement {new}")
            if isinstance(owner, type):

                @functools.wraps(original)
                def method(self: object, *args: Any, **keywords: Any) -> Any:
                    return made(original, self, *args, **keywords)

                self._set(owner, name, method)
            else:
                self._set(owner, name, functools.wraps(original)(functools.partial(made, original)))

        return replace

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()

    def _compiled(self, owner: Owner, name: str, text: str) -> object:
        module = owner if isinstance(owner, ModuleType) else sys.modules[owner.__module__]
        file = f"<{_told(owner, name)}, changed by {self.name}>"
        # In a function around it, so that ``super()`` finds its class.
        whole = f"def _made(__class__):\n{textwrap.indent(text, '    ')}\n    return {name}\n"
        flags = __future__.annotations.compiler_flag
        scope: dict[str, Any] = {}
        exec(compile(whole, file, "exec", flags, dont_inherit=True), vars(module), scope)  # noqa: S102 - the core's own text
        linecache.cache[file] = (len(whole), None, whole.splitlines(keepends=True), file)
        return scope["_made"](owner)

    def _set(self, owner: Owner, name: str, new: object) -> None:
        """Replace it at its owner and wherever a module of the core has imported it by name."""
        old = _attribute(owner, name)
        self._assign(owner, name, old, new)
        if isinstance(owner, ModuleType) and callable(old):
            for module in [each for key, each in sys.modules.items() if _is_core(key)]:
                for known, value in list(vars(module).items()):
                    if value is old:
                        self._assign(module, known, old, new)

    def _assign(self, target: Any, name: str, old: object, new: object) -> None:
        setattr(target, name, new)
        self.count += 1
        self._undo.append(lambda: setattr(target, name, old))


def _is_core(module_name: str) -> bool:
    return module_name == "fsmcore" or module_name.startswith("fsmcore.")


def _attribute(owner: Owner, name: str) -> Any:
    """Return it as it stands in ``owner`` itself: a base class's is not for this owner to lose."""
    if name not in vars(owner):
        raise PatchError(f"{_told(owner, name)} is gone; write the change for what is there now")
    return vars(owner)[name]


def _function_of(found: Any) -> Any:
    if isinstance(found, property):
        return found.fget
    if isinstance(found, classmethod | staticmethod):
        return found.__func__
    return found


def _shape(function: Callable[..., Any]) -> tuple[list[tuple[str, str]], bool]:
    parameters = inspect.signature(function).parameters.values()
    names = [(each.name.lstrip("_"), each.kind.name) for each in parameters]
    return names, inspect.iscoroutinefunction(inspect.unwrap(function))


def _indented(text: str, old: str, new: str) -> tuple[str, str]:
    """Return both as far to the right as ``old`` is found, or as they are if it is not.

    A ``new`` that begins with a line's end is a block, and all of it moves; another one has its
    first line where ``old`` begins, and the others as they are written.
    """
    is_block = new.startswith("\n")
    old, new = textwrap.dedent(old).strip("\n"), textwrap.dedent(new).strip("\n")
    if is_block and "\n" not in old and old in text:
        before = text[: text.index(old)].rpartition("\n")[2]
        return old, textwrap.indent(new, before).removeprefix(before)
    for width in range(0, DEEPEST, 4):
        pad = " " * width
        if textwrap.indent(old, pad) in text:
            return textwrap.indent(old, pad), textwrap.indent(new, pad)
    return old, new


def _replaced(whole: str, old: str, new: str, where: str) -> str:
    count = whole.count(old)
    if count != 1:
        raise PatchError(f"{where} has this {count} times, it must have it once:\n{old}")
    return whole.replace(old, new)


def _told(owner: Owner, name: str) -> str:
    place = owner.__name__ if isinstance(owner, ModuleType) else _place_of(owner)
    return f"{place}.{name}"


def _place_of(owner: type) -> str:
    return f"{owner.__module__}.{owner.__qualname__}"
