"""The account PostgreSQL runs under: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalError

# A name space of its own in which root's files belong to an ordinary user.
UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


@dataclass(frozen=True)
class Account:
    """How to run a program as somebody who may, and who owns its files then."""

    owner: tuple[int, int]
    user: tuple[int, int] | None = None
    """The uid and gid to become."""
    prefix: Sequence[str] = ()
    """What the command line begins with."""


def postgres_account(*places: Path) -> Account:
    """The present user; for root an account that can reach all these places. LocalError if there is none.

    That is `nobody`, or, below a folder that only root may enter, root under another name.
    """
    if os.geteuid() != 0:
        return Account(owner=(os.geteuid(), os.getegid()))
    closed = [folder for place in places for folder in closed_to_others(place)]
    if not closed:
        nobody = pwd.getpwnam("nobody")
        return Account(owner=(nobody.pw_uid, nobody.pw_gid), user=(nobody.pw_uid, nobody.pw_gid))
    if shutil.which("unshare") and all(_reaches(place) for place in places):
        return Account(owner=(0, 0), prefix=UNSHARE)
    raise LocalError(
        f"PostgreSQL does not run as root, and no other account may enter {closed[-1]}. "
        f"Allow it with `chmod o+x {closed[-1]}`, or start as an ordinary user."
    )


def closed_to_others(place: Path) -> list[Path]:
    """The folders on the way to a place that not everybody may enter, the outermost last."""
    return [folder for folder in (place, *place.parents) if not folder.stat().st_mode & 0o001]


def own(tree: Path, owner: tuple[int, int]) -> None:
    """Hands a folder over to the account, if it is not that account's already."""
    if tree.stat().st_uid != owner[0]:
        for path in (*tree.rglob("*"), tree):  # itself last: until then the rest is not done
            os.chown(path, *owner, follow_symlinks=False)


def _reaches(place: Path) -> bool:
    return subprocess.run([*UNSHARE, "test", "-x", place], check=False, capture_output=True).returncode == 0
