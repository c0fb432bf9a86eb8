"""What of the machine and of the interpreter's start makes figures of two runs differ."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
import time
from pathlib import Path
from typing import TypedDict

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_RANDOMISATION = Path("/proc/sys/kernel/randomize_va_space")


class Machine(TypedDict):
    """The fields of `reports.schema.Environment` that are read here."""

    cpu_model: str | None
    cpu_governor: str | None
    memory_mib: int | None
    address_randomisation: int | None
    hash_seed: str
    clock_resolution_ns: float
    thread_switch_interval_ms: float
    is_gil_disabled: bool


def machine() -> Machine:
    """Read it; a few small files of /proc and /sys, where there are such."""
    randomisation = _text(_RANDOMISATION)
    return Machine(
        cpu_model=cpu_model(),
        cpu_governor=_text(_GOVERNOR),
        memory_mib=_memory_mib(),
        address_randomisation=int(randomisation) if randomisation else None,
        hash_seed=os.environ.get("PYTHONHASHSEED") or "random",
        clock_resolution_ns=time.get_clock_info("perf_counter").resolution * 1e9,
        thread_switch_interval_ms=sys.getswitchinterval() * 1000,
        is_gil_disabled=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )


def cpu_model() -> str | None:
    """Return the processor's name as the kernel tells it."""
    for line in (_text(Path("/proc/cpuinfo")) or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None


def _memory_mib() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (ValueError, OSError, AttributeError):
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
