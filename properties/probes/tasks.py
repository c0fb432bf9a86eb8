"""Tasks that run on after the attempt that started them has ended."""

from __future__ import annotations

import asyncio


def task_findings() -> list[str]:
    """Return a sentence if any task but the asking one is alive. Ask from the event loop."""
    asking = asyncio.current_task()
    alive = [task for task in asyncio.all_tasks() if task is not asking and not task.done()]
    if not alive:
        return []
    names = sorted(getattr(task.get_coro(), "__qualname__", "?") for task in alive)
    return [f"{len(alive)} tasks are still running: {', '.join(names)}"]
