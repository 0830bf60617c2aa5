"""Makes the virtual environment `.venv`: `python3 deploy/local/environment.py [dev]`.

Needs only Python's standard library. A stamp notes what was installed: while nothing has changed, later
starts install nothing and need no network.
"""

# An older Python must get as far as the message that says so.
from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)
TAIL_LINES = 30


def main() -> None:
    """Makes what `make run` needs, and with `dev` what tests and checks need too."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info < OLDEST:
        sys.exit(f"Waypost needs Python 3.11 or newer, this is {version}. Try: make PYTHON=python3.11")
    try:
        import ensurepip  # noqa: F401 - only looked for: Debian ships it apart
        import venv  # noqa: F401
    except ImportError:
        sys.exit(f"This Python cannot make environments. On Debian or Ubuntu: apt install python{version}-venv")
    with (ROOT / "requirements" / "base.txt").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # of two at once, the second finds it made
        node = [] if shutil.which("node") else ["console"]
        ensure(ROOT, ["base", "local", *node, *sys.argv[1:]])


def ensure(
    root: Path, sets: Sequence[str], *, install: Callable[[Path, Sequence[str]], None] | None = None
) -> None:
    """Installs the requirement sets into `.venv`, unless the stamp says that they are there.

    install: for tests
    """
    environment = root / ".venv"
    stamp = environment / "stamp.json"
    made: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    # One that was moved, or made by another Python, is made anew; so is one that was left half-made.
    origin = {"python": f"{sys.version_info[:2]} {sys.base_prefix}", "root": str(root)}
    is_usable = origin.items() <= made.items() and (environment / "bin" / "python").exists()
    if is_usable and digests(root, sets).items() <= made.items():
        return
    if is_usable:
        sets = sorted({*sets, *made} & {file.stem for file in (root / "requirements").glob("*.txt")})
        stamp.unlink()
    else:
        shutil.rmtree(environment, ignore_errors=True)
    (install or install_with_pip)(root, sets)
    stamp.write_text(json.dumps({**origin, **digests(root, sets)}, indent=2))


def digests(root: Path, sets: Sequence[str]) -> dict[str, str]:
    """The sha256 of every file that says what belongs into the environment."""
    files = {name: root / "requirements" / f"{name}.txt" for name in sets}
    files["project"] = root / "pyproject.toml"
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}


def install_with_pip(root: Path, sets: Sequence[str]) -> None:
    """Makes the environment if it is missing, and brings it to what the sets and the project ask for."""
    python = root / ".venv" / "bin" / "python"
    if not python.exists():
        print("environment: making .venv (once; about 900 MB on disk)", flush=True)
        run([sys.executable, "-m", "venv", str(root / ".venv")])
    pip = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    files = [root / "requirements" / f"{name}.txt" for name in sets]
    pinned = {line.split("==")[0] for file in files for line in file.read_text().splitlines() if "==" in line}
    options = ["--progress-bar", "off", "--require-hashes", "--no-compile"]
    options += [option for file in files for option in ("-r", str(file))]
    run([*pip, *options], count_to=len(pinned))
    # Left to pip, one processor would do it. What does not compile fails where it is imported, if it ever is.
    compile_all = f"import compileall; compileall.compile_dir({str(root / '.venv' / 'lib')!r}, quiet=2, workers=0)"
    run([str(python), "-c", compile_all])
    run([*pip, "--no-deps", "--no-build-isolation", "-e", str(root)])
    print("environment: ready", flush=True)


def run(command: Sequence[str], *, count_to: int = 0) -> None:
    """Runs a step; shows the packages it collects, and what it said if it fails."""
    said: list[str] = []
    collected = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if count_to and line.startswith("Collecting "):
                collected += 1
                show(f"{collected} of {count_to}: {line.split()[1]}", always=collected % 20 == 0)
            elif count_to and line.startswith("Installing "):
                show("installing", always=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if process.returncode != 0:
        sys.exit("".join([*said[-TAIL_LINES:], f"environment: failed: {' '.join(command)}"]))


def show(text: str, *, always: bool) -> None:
    """A line that changes on a terminal; elsewhere the important ones stand below each other."""
    if sys.stdout.isatty():
        print(f"\r\033[Kenvironment: {text}", end="", flush=True)
    elif always:
        print(f"environment: {text}", flush=True)


if __name__ == "__main__":
    main()
