"""What a user of fsmcore writes first: two files, one decided by python-statemachine, one by hand.

Runs wherever fsmcore is installed: `python docs/example.py`. `nox -s wheel` runs it on the wheel.
"""

import asyncio
import tempfile
from pathlib import Path

from fsmcore import (
    EventCollector,
    FileTransitionManager,
    HandRolledAdapter,
    StateMachineAdapter,
    Store,
    TransitionNotAllowedError,
)


async def main() -> None:
    """Take each file to its final state, and then once too often."""
    events = EventCollector()
    with tempfile.TemporaryDirectory() as folder:
        async with Store(Path(folder, "files.sqlite3"), create=True) as store:
            for machine in (StateMachineAdapter, HandRolledAdapter):
                files = FileTransitionManager(store, machine=machine, events=events)
                path = f"reports/{machine.__name__}.txt"
                await files.track(path)
                for event in ("start_upload", "complete_upload", "complete_processing"):
                    moved = await files.transition(path, event)
                    print(f"{path}: {moved.from_state} -> {moved.to_state}, {moved.version=}")
                try:
                    await files.transition(path, "start_upload")
                except TransitionNotAllowedError:
                    row = await store.read(path)
                    print(f"{path}: stays {row.state}, {row.version=}")
    print(f"{len(events.records)} attempts recorded")


if __name__ == "__main__":
    asyncio.run(main())
