"""Installs what the tests need beside Python's packages: `python3 deploy/local/debian.py`.

Needs only Python's standard library. Where the programs are there already it does nothing.
"""

# An older Python must get as far as the message of environment.py.
from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = {"dovecot": "dovecot-imapd", "chromium": "chromium"}
"""What the tests start, and the Debian package that holds it: an IMAP server, and a browser for the chat."""

PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers lie, which not everybody has in their PATH."""

POLICY = Path("/usr/sbin/policy-rc.d")
MARKER = "# Left by Waypost's deploy/local/debian.py, which was killed: this file can be removed."
TAIL_LINES = 20

Run = Callable[[Sequence[str]], None]


class NotInstalled(Exception):
    """A complete explanation for a person."""


def ensure(packages: Mapping[str, str], *, run: Run | None = None) -> list[str]:
    """Installs the packages whose commands are missing; says which they were.

    run: for tests
    Raises NotInstalled where that cannot be done here.
    """
    if not missing(packages) and not _is_left_behind():
        return []
    with Path(__file__).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # of two at once, the second finds them there
        if _is_left_behind() and os.access(POLICY.parent, os.W_OK):
            POLICY.unlink()
        wanted = missing(packages)
        if wanted:
            _install(wanted, run or _run)
        return wanted


def missing(packages: Mapping[str, str]) -> list[str]:
    """The packages whose commands are not there."""
    return sorted({package for command, package in packages.items() if find(command) is None})


def find(command: str) -> str | None:
    """Where a program lies."""
    return shutil.which(command, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES]))


def _install(packages: Sequence[str], run: Run) -> None:
    by_hand = f"apt-get install {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise NotInstalled(f"Some tests need programs that are not here. On Debian or Ubuntu: {by_hand}")
    if os.geteuid() != 0:
        raise NotInstalled(f"Some tests need programs that are not here. As root: {by_hand}")
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    with _nothing_started():
        try:
            run(install)
        except NotInstalled:  # the lists may be old, or not there at all
            run(["apt-get", "update", "--quiet"])
            run(install)


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Packages of servers start them at once, on the ports of the world. Tests start their own."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(f"#!/bin/sh\n{MARKER}\nexit 101\n")
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _is_left_behind() -> bool:
    """Whether a run that was killed keeps the machine's packages from starting their servers."""
    return POLICY.exists() and MARKER in POLICY.read_text(errors="replace")


def _run(command: Sequence[str]) -> None:
    print(f"packages: {' '.join(command)}", flush=True)
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-TAIL_LINES:])
        raise NotInstalled(f"{tail}\npackages: failed: {' '.join(command)}")


def main() -> None:
    """Whoever only checks or builds can do without: what is missing fails the tests that need it."""
    try:
        ensure(PROGRAMS)
    except NotInstalled as reason:
        print(reason, file=sys.stderr)


if __name__ == "__main__":
    main()
