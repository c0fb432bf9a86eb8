"""The patched VFS of this process: every callback that SQLite's file operations go through.

Process-wide and installed while any shim is active. ``xOpen``, ``xDelete``, ``xAccess``, ``xSleep``
and the system call ``openDirectory`` are patched in SQLite's own default VFS; a file opened below a
shim's folder is given methods of ours (``open_files``).

Choices. A callback that raises would answer 0, which is SQLITE_OK: so each catches BaseException,
keeps it for the shim to raise, and answers IOERR. Thunks are never freed, because SQLite may still
hold them; at exit each open file gets its own table back, or closing it after the interpreter is
gone would call into nothing.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

from properties.faults import sqlite_abi as abi
from properties.faults.deciding import CANTOPEN, OK, Deciding, Listener
from properties.faults.open_files import OpenFiles
from properties.faults.operations import Kind, Result, Role

_ROLES = ((0x100, Role.DATABASE), (0x80000, Role.WAL), (0x800, Role.JOURNAL))
"""SQLITE_OPEN_MAIN_DB, _WAL, _MAIN_JOURNAL."""
_SUFFIXES = (("-wal", Role.WAL), ("-shm", Role.SHM), ("-journal", Role.JOURNAL))


class Hooks:
    """The one installation of this process."""

    def __init__(self) -> None:
        """Find the VFS and make the callbacks; nothing is patched yet."""
        self._vfs = abi.default_vfs()
        self._vfs_address = ctypes.addressof(self._vfs)
        self._lock = threading.Lock()
        self._deciding = Deciding()
        self._files = OpenFiles(self._deciding)
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
            if any(each.folder == listener.folder for each in self._deciding.listeners):
                raise ValueError(f"{os.path.basename(listener.folder)!r} has a shim already.")
            if not self._deciding.listeners:
                self._patch()
            self._deciding.listeners = (*self._deciding.listeners, listener)

    def remove(self, listener: Listener) -> None:
        """Let every operation of the listener's files through from now on."""
        with self._lock:
            self._deciding.listeners = tuple(
                each for each in self._deciding.listeners if each is not listener
            )
            if not self._deciding.listeners:
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
            self._deciding.listeners = ()
            self._unpatch()
            self._files.detach()

    # The operations on names.

    def _x_open(self, vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        listener = None
        try:
            path = "" if name is None else os.fsdecode(ctypes.string_at(name))
            listener = self._deciding.listener_of(path)
            if listener is None:
                return int(self._open(vfs, name, file, flags, out))
            ctypes.c_void_p.from_address(file).value = None
            return self._open_hooked(listener, path, (vfs, name, file, flags, out))
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._deciding.broken(listener, error, CANTOPEN)

    def _open_hooked(self, listener: Listener, path: str, arguments: tuple[Any, ...]) -> int:
        _, _, address, flags, _ = arguments
        role = next((role for bit, role in _ROLES if flags & bit), Role.OTHER)
        name, handle = os.path.basename(path), listener.next_handle()

        def do() -> int:
            code = int(self._open(*arguments))
            if code == OK:
                self._files.adopt(address, listener, role, name, handle)
            return code

        try:
            code = self._deciding.decided(
                listener, Kind.OPEN, role, name, do, handle=handle, flags=flags
            )
        except BaseException:
            self._files.abandon(address)
            raise
        if code != OK:
            self._files.abandon(address)
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
            listener = self._deciding.listener_of(path)
            if listener is None or kind not in listener.kinds:
                return do()
            role = next((role for end, role in _SUFFIXES if path.endswith(end)), Role.DATABASE)
            base_name = os.path.basename(path)
            return self._deciding.decided(
                listener, kind, role, base_name, do, pretend=pretend, flags=flags
            )
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._deciding.broken(listener, error)

    def _x_open_directory(self, name: bytes, out: Any) -> int:
        # SQLite opens a folder only to sync it, inside an xSync or an xDelete; when that fails it
        # goes on without a word.
        listener = None
        try:
            listener = self._deciding.listener_of(os.fsdecode(name))
            if listener is None or Kind.SYNC not in listener.kinds:
                return int(self._open_directory(name, out))

            def do() -> int:
                return int(self._open_directory(name, out))

            return self._deciding.decided(
                listener, Kind.SYNC, Role.FOLDER, "", do, pretend=lambda: CANTOPEN
            )
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._deciding.broken(listener, error, CANTOPEN)

    def _x_sleep(self, vfs: int, microseconds: int) -> int:
        listener = None
        try:
            # A sleep names no file: it belongs to the shim that this thread was last reported to.
            listener = self._deciding.last_listener
            if listener is None or Kind.SLEEP not in listener.kinds:
                return int(self._sleep(vfs, microseconds))
            operation, decision = listener.begin(Kind.SLEEP, Role.OTHER, "", size=microseconds)
            virtual = listener.virtual_sleep or decision is not None
            if not virtual:
                self._sleep(vfs, microseconds)
            listener.end(operation, Result(OK, done=not virtual))
            return microseconds
        except BaseException as error:  # noqa: BLE001 - a raising callback would mean SQLITE_OK
            return self._deciding.broken(listener, error, microseconds)


_hooks: Hooks | None = None
_hooks_lock = threading.Lock()


def installed_hooks() -> Hooks:
    """Return this process's hooks, made on first use. Raises ``VfsUnsupportedError``."""
    global _hooks
    with _hooks_lock:
        if _hooks is None:
            _hooks = Hooks()
        return _hooks
