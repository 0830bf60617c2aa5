"""Becomes a program that ends with the process which started it, even when that one is killed.

    python lifeline.py PARENT SIGNAL PIPE USER PROGRAM ARGUMENT...

PARENT is the starter's process id, SIGNAL what the program gets when the starter dies. PIPE is `-` on Linux,
where the kernel sends it; elsewhere a guard process does, and PIPE is the end it reads. USER is `-` or
`uid:gid`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ties the knot, then replaces itself by the program."""
    parent, death_signal, pipe, user, *program = sys.argv[1:]
    # A shell's background job hands SIGINT down as ignored, and what is ignored stays so in the new program.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if user != "-":
        become(*map(int, user.split(":")))
    if pipe == "-":  # after the change of user, which makes the kernel forget the wish
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal))
    else:
        leave_guard(int(pipe), int(death_signal))
    if os.getppid() != int(parent):  # it died before the knot was tied
        sys.exit(1)
    try:
        os.execvp(program[0], program)  # noqa: S606 - the program is the caller's
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


def become(uid: int, gid: int) -> None:
    """Gives up root."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def leave_guard(pipe: int, death_signal: int) -> None:
    """Forks a guard that outlives the program and signals it once nobody holds the pipe's other end."""
    program = os.getpid()
    if os.fork() == 0:
        os.read(pipe, 1)  # nobody ever writes: this returns when the starter is gone
        if os.getppid() == program:
            os.kill(program, death_signal)
        os._exit(0)
    os.close(pipe)


if __name__ == "__main__":
    main()
