"""Virtual time: it moves when a schedule moves it, and every clock of Python follows.

``time.time``, ``time.monotonic`` and their like are replaced in ``time`` and in every module that
imported them by name (python-statemachine 3.x does); ``datetime`` is replaced in the modules that
are judged, because its clock is read in C. Outside a run all of them are the real ones.
"""

from __future__ import annotations

import datetime as datetime_module
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from properties.simulation import active

EPOCH_S = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where every run begins."""

EPOCH = datetime_module.datetime(2026, 1, 1, tzinfo=datetime_module.UTC)

JUDGED = ("fsmcore", "statemachine", "aiosqlite", "stamina", "tenacity")
"""Packages whose imported ``datetime`` follows the virtual clock; a simulation may add more."""

_real: dict[str, Callable[[], Any]] = {
    name: getattr(time, name)
    for name in ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns")
}


def _virtual(name: str) -> Callable[[], Any]:
    real = _real[name]
    is_wall = name.startswith("time")
    unit = 1_000_000_000 if name.endswith("_ns") else 0

    def read() -> int | float:
        simulation = active.running()
        if simulation is None:
            number: int | float = real()
            return number
        now_s = simulation.read_wall() + EPOCH_S if is_wall else simulation.read_clock()
        return round(now_s * unit) if unit else now_s

    read.__name__ = name
    return read


_replacements: dict[int, Callable[[], Any]] = {
    id(real): _virtual(name) for name, real in _real.items()
}


class _FollowsInstances(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime_module.datetime)


class _Datetime(datetime_module.datetime, metaclass=_FollowsInstances):
    """``datetime`` whose clock is the simulation's; the values it gives are plain ones."""

    @classmethod
    def now(cls, tz: datetime_module.tzinfo | None = None) -> Any:
        simulation = active.running()
        if simulation is None:
            return datetime_module.datetime.now(tz)
        moment = EPOCH + datetime_module.timedelta(seconds=simulation.read_wall())
        return moment.astimezone(tz) if tz is not None else moment.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime_module.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


def replacements(judged: tuple[str, ...] = ()) -> Iterator[tuple[object, str, object]]:
    """Yield (module, name, replacement) for every clock that is imported now."""
    packages = (*JUDGED, *judged)
    for module_name, module in list(sys.modules.items()):
        names = getattr(module, "__dict__", None)
        if module_name == __name__ or not isinstance(names, dict):
            continue
        is_judged = module_name.partition(".")[0] in packages or module_name in packages
        for name, value in list(names.items()):
            replacement = _replacements.get(id(value))
            if replacement is not None:
                yield module, name, replacement
            elif is_judged and value is datetime_module.datetime:
                yield module, name, _Datetime
