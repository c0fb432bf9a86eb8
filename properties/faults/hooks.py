"""The patched VFS of this process: every callback that SQLite's file operations go through.

Process-wide and installed while any shim is active. ``xOpen``, ``xDelete``, ``xAccess``, ``xSleep``
and the system call ``openDirectory`` are patched in SQLite's own default VFS; each file opened
below a shim's folder gets a copy of its method table in which the wanted slots are ours. Other
files keep SQLite's table and cost nothing.

Choices. A callback that raises would answer 0, which is SQLITE_OK: so each catches BaseException,
keeps it for the shim to raise, and answers IOERR. Thunks are never freed, because SQLite may still
hold them; at exit each open file gets its own table back, or closing it after the interpreter is
gone would call into nothing. Memory mapping is off for hooked files (method table version 2), or
reads would go past the hooks.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from properties.faults import sqlite_abi as abi
from properties.faults.operations import (
    Decision,
    Fail,
    Kind,
    Operation,
    Pretend,
    Result,
    Role,
    Shorten,
)

OK = sqlite3.SQLITE_OK
IOERR = sqlite3.SQLITE_IOERR
IOERR_SHORT_READ = 522
CANTOPEN = sqlite3.SQLITE_CANTOPEN

_ROLES = ((0x100, Role.DATABASE), (0x80000, Role.WAL), (0x800, Role.JOURNAL))
"""SQLITE_OPEN_MAIN_DB, _WAL, _MAIN_JOURNAL."""
_SUFFIXES = (("-wal", Role.WAL), ("-shm", Role.SHM), ("-journal", Role.JOURNAL))
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
_NEVER_PRETENDED = {Kind.OPEN, Kind.CLOSE, Kind.SHM_MAP, Kind.SHM_UNMAP}
"""SQLite would follow a pointer that nobody has set."""


class Listener(Protocol):
    """What the hooks ask of a shim."""

    folder: str
    kinds: frozenset[Kind]
    virtual_sleep: bool
    keeps_content: bool
    has_shared_memory: bool

    def begin(self, kind: Kind, role: Role, name: str, **fields: Any) -> tuple[Operation, Decision]:
        """Number the operation and decide about it."""
        ...

    def end(self, operation: Operation, result: Result) -> None:
        """Take note of what came of it."""
        ...

    def next_handle(self) -> int:
        """Return the number of a file that is being opened."""
        ...

    def broke(self, error: BaseException) -> None:
        """Keep an error of the harness."""
        ...


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


class Hooks:
    """The one installation of this process."""

    def __init__(self) -> None:
        """Find the VFS and make the callbacks; nothing is patched yet."""
        self._vfs = abi.default_vfs()
        self._vfs_address = ctypes.addressof(self._vfs)
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()
        self._files: dict[int, _HookedFile] = {}
        self._tables: dict[tuple[int, frozenset[Kind], bool], _Table] = {}
        self._last = threading.local()
        self._open = abi.X_OPEN(self._vfs.xOpen)
        self._delete = abi.X_DELETE(self._vfs.xDelete)
        self._access = abi.X_ACCESS(self._vfs.xAccess)
        self._sleep = abi.X_SLEEP(self._vfs.xSleep)
        self._originals = {
            name: getattr(self._vfs, name) for name in ("xOpen", "xDelete", "xAccess", "xSleep")
        }
        self._thunks: dict[str, Any] = {
            "xOpen": abi.X_OPEN(self._x_open),
            "xDelete": abi.X_DELETE(self._x_delete),
            "xAccess": abi.X_ACCESS(self._x_access),
            "xSleep": abi.X_SLEEP(self._x_sleep),
        }
        self._slots: dict[Kind, Any] = {
            kind: prototype(getattr(self, f"_x_{kind.name.lower()}"))
            for kind, _, prototype in _SLOTS
        }
        self._open_directory: Any = None
        self._open_directory_thunk = abi.OPEN_DIRECTORY(self._x_open_directory)
        self._set_system_call: Any = None
        if self._vfs.iVersion >= 3 and self._vfs.xGetSystemCall and self._vfs.xSetSystemCall:
            get = abi.X_GET_SYSTEM_CALL(self._vfs.xGetSystemCall)
            address = get(self._vfs_address, b"openDirectory")
            if address:
                self._open_directory = abi.OPEN_DIRECTORY(address)
                self._set_system_call = abi.X_SET_SYSTEM_CALL(self._vfs.xSetSystemCall)
        atexit.register(self._detach)

    @property
    def sees_folders(self) -> bool:
        """Whether syncs of the folder are seen, or only happen."""
        return self._open_directory is not None

    def add(self, listener: Listener) -> None:
        """Report files below ``listener.folder`` that are opened from now on."""
        with self._lock:
            if any(each.folder == listener.folder for each in self._listeners):
                raise ValueError(f"{os.path.basename(listener.folder)!r} has a shim already.")
            if not self._listeners:
                self._patch()
            self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """Let every operation of the listener's files through from now on."""
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each is not listener)
            if not self._listeners:
                self._unpatch()

    def _patch(self) -> None:
        for name, thunk in self._thunks.items():
            setattr(self._vfs, name, ctypes.cast(thunk, ctypes.c_void_p).value)
        if self._set_system_call is not None:
            thunk = ctypes.cast(self._open_directory_thunk, ctypes.c_void_p)
            self._set_system_call(self._vfs_address, b"openDirectory", thunk)

    def _unpatch(self) -> None:
        for name, address in self._originals.items():
            setattr(self._vfs, name, address)
        if self._set_system_call is not None:
            self._set_system_call(self._vfs_address, b"openDirectory", None)

    def _detach(self) -> None:
        with self._lock:
            self._listeners = ()
            self._unpatch()
            for address, file in list(self._files.items()):
                ctypes.c_void_p.from_address(address).value = file.table.base_address
            self._files.clear()

    def _listener_of(self, path: str) -> Listener | None:
        for listener in self._listeners:
            if path.startswith(listener.folder):
                return listener
        return None

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

    # The operations on names.

    def _x_open(self, vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        listener = None
        try:
            path = "" if name is None else os.fsdecode(ctypes.string_at(name))
            listener = self._listener_of(path)
            if listener is None:
                return int(self._open(vfs, name, file, flags, out))
            ctypes.c_void_p.from_address(file).value = None
            return self._open_hooked(listener, path, (vfs, name, file, flags, out))
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._broken(listener, error, CANTOPEN)

    def _open_hooked(self, listener: Listener, path: str, arguments: tuple[Any, ...]) -> int:
        _, _, address, flags, _ = arguments
        role = next((role for bit, role in _ROLES if flags & bit), Role.OTHER)
        name, handle = os.path.basename(path), listener.next_handle()

        def undo() -> None:
            file = self._files.pop(address, None)
            if file is not None:
                file.table.base[Kind.CLOSE](address)
                ctypes.c_void_p.from_address(address).value = None

        def do() -> int:
            code = int(self._open(*arguments))
            methods = ctypes.c_void_p.from_address(address)
            if code == OK and methods.value:
                table = self._table_of(methods.value, listener)
                self._files[address] = _HookedFile(listener, table, role, name, handle)
                methods.value = ctypes.addressof(table.patched)
            return code

        try:
            code = self._decided(listener, Kind.OPEN, role, name, do, handle=handle, flags=flags)
        except BaseException:
            undo()
            raise
        if code != OK:
            undo()
        return code

    def _x_delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        return self._on_name(
            Kind.DELETE, name, lambda: self._delete(vfs, name, sync_folder), flags=sync_folder
        )

    def _x_access(self, vfs: int, name: bytes, flags: int, out: Any) -> int:
        def pretend() -> int:
            out[0] = 0
            return OK

        return self._on_name(
            Kind.ACCESS, name, lambda: self._access(vfs, name, flags, out), pretend, flags=flags
        )

    def _on_name(
        self,
        kind: Kind,
        name: bytes,
        do: Callable[[], int],
        pretend: Callable[[], int] | None = None,
        *,
        flags: int,
    ) -> int:
        listener = None
        try:
            path = os.fsdecode(name)
            listener = self._listener_of(path)
            if listener is None or kind not in listener.kinds:
                return do()
            role = next((role for end, role in _SUFFIXES if path.endswith(end)), Role.DATABASE)
            base_name = os.path.basename(path)
            return self._decided(listener, kind, role, base_name, do, pretend=pretend, flags=flags)
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._broken(listener, error)

    def _x_open_directory(self, name: bytes, out: Any) -> int:
        # SQLite opens a folder only to sync it, inside an xSync or an xDelete; when that fails it
        # goes on without a word.
        listener = None
        try:
            listener = self._listener_of(os.fsdecode(name))
            if listener is None or Kind.SYNC not in listener.kinds:
                return int(self._open_directory(name, out))

            def do() -> int:
                return int(self._open_directory(name, out))

            return self._decided(listener, Kind.SYNC, Role.FOLDER, "", do, pretend=lambda: CANTOPEN)
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._broken(listener, error, CANTOPEN)

    def _x_sleep(self, vfs: int, microseconds: int) -> int:
        listener = None
        try:
            # A sleep names no file: it belongs to the shim that this thread was last reported to.
            listener = getattr(self._last, "listener", None)
            active = listener in self._listeners
            if listener is None or not active or Kind.SLEEP not in listener.kinds:
                return int(self._sleep(vfs, microseconds))
            operation, decision = listener.begin(Kind.SLEEP, Role.OTHER, "", size=microseconds)
            virtual = listener.virtual_sleep or decision is not None
            if not virtual:
                self._sleep(vfs, microseconds)
            listener.end(operation, Result(OK, done=not virtual))
            return microseconds
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._broken(listener, error, microseconds)

    # The operations on open files.

    def _x_close(self, address: int) -> int:
        file = self._files.get(address)
        try:
            if file is None:
                raise RuntimeError("SQLite closes a file that was never seen open")
            code = self._on_file(Kind.CLOSE, address, self._base(address, Kind.CLOSE, address))
            self._files.pop(address, None)
            return code
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._broken(None if file is None else file.listener, error)

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
            if listener not in self._listeners or kind not in listener.kinds:
                return do()
            content = None
            if buffer is not None and listener.keeps_content:
                content = ctypes.string_at(buffer, size)
            return self._decided(
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
            return self._broken(listener, error)

    def _decided(
        self,
        listener: Listener,
        kind: Kind,
        role: Role,
        name: str,
        do: Callable[[], int],
        *,
        shorten: Callable[[Shorten], int] | None = None,
        pretend: Callable[[], int] | None = None,
        **fields: Any,
    ) -> int:
        self._last.listener = listener
        operation, decision = listener.begin(kind, role, name, **fields)
        if decision is None:
            code = do()
            result = Result(code, done=code in (OK, IOERR_SHORT_READ))
        elif isinstance(decision, Shorten):
            if shorten is None or not 0 <= decision.size <= operation.size:
                raise ValueError(f"{operation} cannot be shortened to {decision.size} bytes")
            code = shorten(decision)
            result = Result(code, done=False)
        elif isinstance(decision, Pretend):
            if kind in _NEVER_PRETENDED:
                raise ValueError(f"{kind.value} cannot be pretended")
            code = OK if pretend is None else pretend()
            result = Result(code, done=False)
        else:
            fail = decision if isinstance(decision, Fail) else Fail(decision)
            code = fail.code
            result = Result(code, done=fail.done and do() == OK)
        listener.end(operation, result)
        return code

    def _broken(self, listener: Listener | None, error: BaseException, code: int = IOERR) -> int:
        for each in self._listeners if listener is None else (listener,):
            each.broke(error)
        return code


_hooks: Hooks | None = None
_hooks_lock = threading.Lock()


def installed_hooks() -> Hooks:
    """Return this process's hooks, made on first use. Raises ``VfsUnsupportedError``."""
    global _hooks
    with _hooks_lock:
        if _hooks is None:
            _hooks = Hooks()
        return _hooks
