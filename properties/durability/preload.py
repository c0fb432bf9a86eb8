"""Become a module of this checkout on another SQLite. Run as a file: it imports nothing of ours.

    python preload.py LIBRARY|- PARENT_PID MODULE [ARGUMENT …]

The library is opened for everybody to see before anything imports `sqlite3`, so that the
interpreter's own extension finds its symbols there instead of in the SQLite that it is linked to.
Unlike LD_PRELOAD this reaches no other program, and takes any path: that variable splits at
spaces and colons. Whether it worked is for the process to prove from inside (`telling.prove`).

The process dies with its parent where the system can do that (Linux), and shows where each of
its threads stands on SIGUSR1, even when the interpreter is stuck inside SQLite.
"""

import ctypes
import faulthandler
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1
ORPHAN = 70


def main() -> None:
    """Load the library and run the module as the main program."""
    library, parent, module = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(ORPHAN)  # the parent died before the signal was asked for
    if library != "-":
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # The folder of this file holds modules whose names must not shadow others.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.argv = sys.argv[3:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


main()
