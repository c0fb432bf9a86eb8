"""Under which promise of the disk and of SQLite images are taken, and what they must show."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fsmcore import HandRolledAdapter, MachineFactory, PerTransition, StateMachineAdapter
from fsmcore.connections import Prepare, Session, Synchronous
from properties.crashes.examination import Findings
from properties.crashes.judging import Breach
from properties.subjects import CoreSubject, Subject


class SwitchedOff:
    """A connection model that claims FULL and commits with ``synchronous=OFF``: a control."""

    def __init__(self, *, fair_writer_lock: bool) -> None:
        """Wrap the default model."""
        self._inner = PerTransition(fair_writer_lock=fair_writer_lock)
        self.synchronous = Synchronous.FULL

    async def open(self, path: str, *, create: bool, prepare: Prepare) -> None:
        """Switch the keeper's syncs off before anything is written."""

        async def unsynced(session: Session) -> None:
            await session.fetch("PRAGMA synchronous=OFF")
            await prepare(session)

        await self._inner.open(path, create=create, prepare=unsynced)

    async def close(self) -> None:
        """Close."""
        await self._inner.close()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a session whose syncs are off."""
        async with self._inner.session() as session:
            await session.fetch("PRAGMA synchronous=OFF")
            yield session


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """``never`` must not be seen in any image, ``shown`` must be seen in at least one.

    What a control must show and does not makes the session unknown: its instrument is blind.
    """

    name: str
    says: str
    make: Callable[[], Subject]
    checkpoint_synchronous: str
    never: frozenset[Breach]
    shown: frozenset[Breach] = frozenset()
    syncs_lie: bool = False
    fsync_fails: bool = False

    @classmethod
    def promising_durability(
        cls, make: Callable[[], Subject], *, name: str = "full", fsync_fails: bool = False
    ) -> Mode:
        """Return the mode of a subject that says: what I acknowledge, I keep."""
        return cls(
            name=name,
            says="unknown until a synced commit, then the truth"
            if fsync_fails
            else "nothing acknowledged is lost",
            make=make,
            checkpoint_synchronous="FULL",
            never=frozenset(Breach),
            fsync_fails=fsync_fails,
        )

    def broken(self, findings: Findings) -> list[Breach]:
        """Return the breaches that break this mode's promise."""
        return sorted(self.never & set(findings.broken), key=lambda breach: breach.value)

    def not_shown(self, findings: Findings) -> list[Breach]:
        """Return what should have been seen and was not."""
        return sorted(self.shown - set(findings.broken), key=lambda breach: breach.value)


_ALL = frozenset(Breach)
_WRECK = frozenset({Breach.LOST, Breach.NOT_A_PREFIX, Breach.DAMAGED})


def _core(
    name: str,
    machine: MachineFactory,
    connections: Callable[..., object] = PerTransition,
) -> Callable[[], Subject]:
    return functools.partial(CoreSubject, name, machine, locked=True, connections=connections)  # type: ignore[arg-type]


_NORMAL = functools.partial(PerTransition, synchronous=Synchronous.NORMAL)

MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode.promising_durability(_core("statemachine", StateMachineAdapter)),
        Mode.promising_durability(_core("handrolled", HandRolledAdapter), name="full-handrolled"),
        Mode.promising_durability(
            _core("statemachine", StateMachineAdapter), name="fsync-fails", fsync_fails=True
        ),
        Mode(
            name="normal",
            says="a prefix; acknowledged ones can be lost",
            make=_core("statemachine", StateMachineAdapter, _NORMAL),
            checkpoint_synchronous="NORMAL",
            never=_ALL - {Breach.LOST},
            shown=frozenset({Breach.LOST}),
        ),
        Mode(
            name="off",
            says="control: must be seen to fail",
            make=_core("statemachine", StateMachineAdapter, SwitchedOff),
            checkpoint_synchronous="OFF",
            never=frozenset(),
            shown=_WRECK,
        ),
        Mode(
            name="lying-fsync",
            says="control: must be seen to fail",
            make=_core("statemachine", StateMachineAdapter),
            checkpoint_synchronous="FULL",
            never=frozenset(),
            shown=_WRECK,
            syncs_lie=True,
        ),
    )
}
