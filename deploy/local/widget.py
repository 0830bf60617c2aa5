"""Builds the chat widget where its sources have changed: `python -m deploy.local.widget`."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.node import with_node

FOLDER = Path(__file__).resolve().parents[2] / "services" / "intake" / "widget"
LIBRARIES = ("package.json", "package-lock.json", ".npmrc")
SOURCES = ("tsconfig.json", "vite.config.ts", "src")
TAIL_LINES = 30

Run = Callable[[Sequence[str]], None]


def ensure(folder: Path = FOLDER, *, run: Run | None = None) -> bool:
    """Makes `dist/widget.js` what the sources say; whether anything had to be done.

    run: for tests
    Raises LocalError.
    """
    with (folder / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # of two at once, the second finds it made
        libraries, sources = digest(folder, LIBRARIES), digest(folder, (*LIBRARIES, *SOURCES))
        installed, built = folder / "node_modules" / "stamp", folder / "dist" / "stamp"
        if (folder / "dist" / "widget.js").exists() and _read(built) == sources:
            return False
        run = run or _runner(folder, os.environ)
        if _read(installed) != libraries:
            print("widget: fetching what builds it (once; about 60 MB on disk)", flush=True)
            run(["npm", "ci", "--no-progress"])
            _stamp(installed, libraries)
        print("widget: building", flush=True)
        run(["npm", "run", "build"])
        _stamp(built, sources)
        return True


def digest(folder: Path, names: Sequence[str]) -> str:
    """The sha256 of these files, and of those below these folders."""
    whole = hashlib.sha256()
    for name in names:
        for file in _files(folder / name):
            whole.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    return whole.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    else:
        yield path


def _read(stamp: Path) -> str | None:
    return stamp.read_text() if stamp.exists() else None


def _stamp(stamp: Path, content: str) -> None:
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(content)


def _runner(folder: Path, environ: Mapping[str, str]) -> Run:
    environment = with_node(environ)

    def run(command: Sequence[str]) -> None:
        ended = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if ended.returncode != 0:
            said = "\n".join(ended.stdout.splitlines()[-TAIL_LINES:])
            raise LocalError(f"{said}\nwidget: failed: {' '.join(command)}")

    return run


def main() -> int:
    """Builds it, or says why not."""
    try:
        ensure()
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
