"""Removing what gates keep: environments and stopped gates, but nothing that one at work uses."""

import shutil
from pathlib import Path

from reports import kept
from reports.environments import BUILDING
from reports.holding import ENVIRONMENTS, remove_unused


def clean(cache: Path) -> str:
    """Remove what nobody uses; returns what that was, in a few words."""
    homes = sorted((cache / ENVIRONMENTS).glob("*/"))
    removed = [home for home in homes if remove_unused(home)]
    gates = cache / "gates"
    stopped = kept.forget_stopped(gates, keep=0)
    busy = kept.at_work(gates)
    words = f"{len(removed)} environments removed, {stopped} stopped gates forgotten"
    if busy or len(removed) < len(homes):
        return f"{words}; {len(homes) - len(removed)} environments are used by a gate at work"
    for each in cache.glob(f"{BUILDING}*"):
        shutil.rmtree(each, ignore_errors=True)
    shutil.rmtree(cache, ignore_errors=True)
    return words
