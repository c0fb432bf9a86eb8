"""Become another program, on one CPU, dying with the parent. Run as a file: it imports nothing.

    python -I launch.py CPU|- PARENT_PID PROGRAM [ARGUMENT …]

`CPU` is where the program stays; `-` pins nothing. With a CPU, address randomisation is switched
off too, where the system allows it, so that two sides of a pair get the same layout. A right that
is missing is no error here: the program reads its affinity itself and proves it in its record.
Process death signal and personality are Linux; elsewhere the parent's clean-up must do.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
ADDR_NO_RANDOMIZE = 0x0040000
WRONG_PARENT = 70


def main() -> None:
    """Prepare this process and replace it by the program."""
    cpu, parent, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    # Whoever started us may have held signals back meanwhile (`processes.uninterrupted`).
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # The parent died before the signal was asked for: nobody waits for an answer.
            sys.exit(WRONG_PARENT)
        if cpu != "-":
            libc.personality(ADDR_NO_RANDOMIZE)
    if cpu != "-" and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {int(cpu)})
    os.execv(program[0], program)  # noqa: S606 - no shell is the point


main()
