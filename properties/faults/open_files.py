"""The files that are open below a shim's folder, and our methods in the tables of SQLite's.

Each gets a copy of its method table in which the wanted slots are ours. Other files keep SQLite's
table and cost nothing. Memory mapping is off for them (method table version 2), or reads would go
past us.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from properties.faults import sqlite_abi as abi
from properties.faults.deciding import IOERR_SHORT_READ, OK, Deciding, Listener
from properties.faults.operations import Kind, Role, Shorten

_SLOTS: tuple[tuple[Kind, str, Any], ...] = (
    (Kind.CLOSE, "xClose", abi.X_CLOSE),
    (Kind.READ, "xRead", abi.X_READ),
    (Kind.WRITE, "xWrite", abi.X_WRITE),
    (Kind.TRUNCATE, "xTruncate", abi.X_TRUNCATE),
    (Kind.SYNC, "xSync", abi.X_SYNC),
    (Kind.FILE_SIZE, "xFileSize", abi.X_FILE_SIZE),
    (Kind.LOCK, "xLock", abi.X_LOCK),
    (Kind.UNLOCK, "xUnlock", abi.X_LOCK),
    (Kind.SHM_MAP, "xShmMap", abi.X_SHM_MAP),
    (Kind.SHM_LOCK, "xShmLock", abi.X_SHM_LOCK),
    (Kind.SHM_UNMAP, "xShmUnmap", abi.X_SHM_UNMAP),
)


@dataclass(slots=True)
class _Table:
    """SQLite's own methods of a kind of file, callable, and the copy with ours in it."""

    base_address: int
    base: Mapping[Kind, Callable[..., int]]
    patched: abi.IoMethods


@dataclass(slots=True)
class _HookedFile:
    listener: Listener
    table: _Table
    role: Role
    name: str
    handle: int


class OpenFiles:
    """The files that were opened for a shim and are not closed yet."""

    def __init__(self, deciding: Deciding) -> None:
        """Make the callbacks; no file has them yet."""
        self._deciding = deciding
        self._lock = threading.Lock()
        self._files: dict[int, _HookedFile] = {}
        self._tables: dict[tuple[int, frozenset[Kind], bool], _Table] = {}
        self._slots: dict[Kind, Any] = {
            kind: prototype(getattr(self, f"_x_{kind.name.lower()}"))
            for kind, _, prototype in _SLOTS
        }

    def adopt(self, address: int, listener: Listener, role: Role, name: str, handle: int) -> None:
        """Give the file at ``address``, which SQLite has just opened, our methods."""
        methods = ctypes.c_void_p.from_address(address)
        if methods.value:
            table = self._table_of(methods.value, listener)
            self._files[address] = _HookedFile(listener, table, role, name, handle)
            methods.value = ctypes.addressof(table.patched)

    def abandon(self, address: int) -> None:
        """Close the file by SQLite's own method; does nothing for one that is not open."""
        file = self._files.pop(address, None)
        if file is not None:
            file.table.base[Kind.CLOSE](address)
            ctypes.c_void_p.from_address(address).value = None

    def detach(self) -> None:
        """Give each file its own table back."""
        for address, file in list(self._files.items()):
            ctypes.c_void_p.from_address(address).value = file.table.base_address
        self._files.clear()

    def _table_of(self, methods_address: int, listener: Listener) -> _Table:
        kinds, has_shm = listener.kinds, listener.has_shared_memory
        key = (methods_address, kinds, has_shm)
        with self._lock:
            if key not in self._tables:
                original = abi.IoMethods.from_address(methods_address)
                patched = abi.IoMethods()
                size = ctypes.sizeof(abi.IoMethods)
                if original.iVersion < 3:
                    size = abi.IoMethods.xFetch.offset
                ctypes.memmove(ctypes.addressof(patched), methods_address, size)
                patched.iVersion = min(2 if has_shm else 1, original.iVersion)
                base = {}
                for kind, slot, prototype in _SLOTS:
                    address = getattr(original, slot)
                    if address:
                        base[kind] = prototype(address)
                        if kind in kinds or kind is Kind.CLOSE:
                            thunk = ctypes.cast(self._slots[kind], ctypes.c_void_p)
                            setattr(patched, slot, thunk.value)
                self._tables[key] = _Table(methods_address, base, patched)
            return self._tables[key]

    # The operations.

    def _x_close(self, address: int) -> int:
        file = self._files.get(address)
        try:
            if file is None:
                raise RuntimeError("SQLite closes a file that was never seen open")
            code = self._on_file(Kind.CLOSE, address, self._base(address, Kind.CLOSE, address))
            self._files.pop(address, None)
            return code
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._deciding.broken(None if file is None else file.listener, error)

    def _x_read(self, address: int, buffer: int, size: int, offset: int) -> int:
        do = self._base(address, Kind.READ, address, buffer, size, offset)

        def shorten(shorter: Shorten) -> int:
            code = do()
            ctypes.memset(buffer + shorter.size, 0, size - shorter.size)
            return IOERR_SHORT_READ if code in (OK, IOERR_SHORT_READ) else code

        def pretend() -> int:
            ctypes.memset(buffer, 0, size)
            return OK

        return self._on_file(
            Kind.READ, address, do, shorten=shorten, pretend=pretend, offset=offset, size=size
        )

    def _x_write(self, address: int, buffer: int, size: int, offset: int) -> int:
        do = self._base(address, Kind.WRITE, address, buffer, size, offset)

        def shorten(shorter: Shorten) -> int:
            if shorter.size:
                code = self._base(address, Kind.WRITE, address, buffer, shorter.size, offset)()
                if code != OK:
                    return code
            return shorter.code

        return self._on_file(
            Kind.WRITE, address, do, shorten=shorten, buffer=buffer, offset=offset, size=size
        )

    def _x_truncate(self, address: int, size: int) -> int:
        do = self._base(address, Kind.TRUNCATE, address, size)

        return self._on_file(Kind.TRUNCATE, address, do, size=size)

    def _x_sync(self, address: int, flags: int) -> int:
        do = self._base(address, Kind.SYNC, address, flags)

        return self._on_file(Kind.SYNC, address, do, flags=flags)

    def _x_file_size(self, address: int, out: Any) -> int:
        do = self._base(address, Kind.FILE_SIZE, address, out)

        def pretend() -> int:
            out[0] = 0
            return OK

        return self._on_file(Kind.FILE_SIZE, address, do, pretend=pretend)

    def _x_lock(self, address: int, level: int) -> int:
        do = self._base(address, Kind.LOCK, address, level)

        return self._on_file(Kind.LOCK, address, do, flags=level)

    def _x_unlock(self, address: int, level: int) -> int:
        do = self._base(address, Kind.UNLOCK, address, level)

        return self._on_file(Kind.UNLOCK, address, do, flags=level)

    def _x_shm_map(self, address: int, page: int, page_size: int, extend: int, out: Any) -> int:
        do = self._base(address, Kind.SHM_MAP, address, page, page_size, extend, out)

        return self._on_file(
            Kind.SHM_MAP, address, do, role=Role.SHM, offset=page, size=page_size, flags=extend
        )

    def _x_shm_lock(self, address: int, slot: int, count: int, flags: int) -> int:
        do = self._base(address, Kind.SHM_LOCK, address, slot, count, flags)

        return self._on_file(
            Kind.SHM_LOCK, address, do, role=Role.SHM, offset=slot, size=count, flags=flags
        )

    def _x_shm_unmap(self, address: int, delete: int) -> int:
        do = self._base(address, Kind.SHM_UNMAP, address, delete)

        return self._on_file(Kind.SHM_UNMAP, address, do, role=Role.SHM, flags=delete)

    # What is common to them.

    def _base(self, address: int, kind: Kind, *arguments: Any) -> Callable[[], int]:
        """Return SQLite's own method, with its arguments. Looked up only when it is called."""
        return lambda: self._files[address].table.base[kind](*arguments)

    def _on_file(
        self,
        kind: Kind,
        address: int,
        do: Callable[[], int],
        *,
        role: Role | None = None,
        shorten: Callable[[Shorten], int] | None = None,
        pretend: Callable[[], int] | None = None,
        buffer: int | None = None,
        offset: int = 0,
        size: int = 0,
        flags: int = 0,
    ) -> int:
        file = self._files.get(address)
        listener = None if file is None else file.listener
        try:
            if file is None or listener is None:
                raise RuntimeError(f"SQLite asks for {kind.value} of a file never seen open")
            if listener not in self._deciding.listeners or kind not in listener.kinds:
                return do()
            content = None
            if buffer is not None and listener.keeps_content:
                content = ctypes.string_at(buffer, size)
            return self._deciding.decided(
                listener,
                kind,
                role or file.role,
                file.name,
                do,
                shorten=shorten,
                pretend=pretend,
                handle=file.handle,
                content=content,
                offset=offset,
                size=size,
                flags=flags,
            )
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._deciding.broken(listener, error)
