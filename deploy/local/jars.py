"""Kafka's libraries: exactly those of the committed lock, fetched once, verified at every start."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalError

LOCK = Path(__file__).with_name("kafka.lock")
FETCHERS = 8
TRIES = 2
TIMEOUT_S = 60


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    sha256: str
    coordinate: str
    """group:artifact:version"""
    path: str
    """Where it lies below a cache folder."""
    size: int

    def is_intact(self, cache: Path) -> bool:
        """Whether the cache holds it, byte for byte."""
        try:
            with (cache / self.path).open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


Fetch = Callable[[Jar, Path], object]
"""Puts the jar at its path below the folder."""


def read_lock() -> list[Jar]:
    """The jars that Kafka runs on."""
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    return [Jar(sha256, coordinate, path, int(size)) for sha256, coordinate, path, size in lines]


def cache_folder(data: Path) -> Path:
    """Where the jars are kept: WAYPOST_CACHE, else the user's own cache, else the data folder."""
    if chosen := os.environ.get("WAYPOST_CACHE"):
        return Path(chosen).resolve() / "jars"
    with suppress(OSError, RuntimeError):  # no home, or none to write to
        home = Path.home() / ".cache" / "waypost" / "jars"
        home.mkdir(parents=True, exist_ok=True)
        if os.access(home, os.W_OK):
            return home
    return data / "jars"


def from_maven(jar: Jar, folder: Path) -> None:
    """Fetches a jar through the Maven client."""
    # Only a first start fetches; the import costs a fifth of a second.
    from jgo.maven import MavenContext
    from jgo.parse import Coordinate

    context = MavenContext(repo_cache=folder, timeout=TIMEOUT_S)
    group, artifact, version = jar.coordinate.split(":")
    context.create_dependency(Coordinate(group, artifact, version)).artifact.resolve()


def provide(
    jars: Sequence[Jar], cache: Path, *, progress: Callable[[str], None], fetch: Fetch = from_maven
) -> list[Path]:
    """The jars' paths, each compared with its sha256; fetches the ones that are missing or differ."""
    if not all(jar.is_intact(cache) for jar in jars):
        with alone(cache):
            _complete(jars, cache, progress, fetch)
    return [cache / jar.path for jar in jars]


def _complete(jars: Sequence[Jar], cache: Path, progress: Callable[[str], None], fetch: Fetch) -> None:
    wanted = [jar for jar in jars if not jar.is_intact(cache)]
    for jar in wanted:
        if (cache / jar.path).exists():
            progress(f"{jar.path} differs from the lock and is fetched again")
    staging = cache / "staging"
    shutil.rmtree(staging, ignore_errors=True)  # of a fetch that was killed

    def bring(jar: Jar) -> int:
        _fetch_verified(jar, staging, fetch)
        target = cache / jar.path
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / jar.path).replace(target)
        return jar.size

    total, done, told = sum(jar.size for jar in wanted), 0, 0
    progress(f"fetching {len(wanted)} libraries, {total / 1e6:.0f} MB")
    with ThreadPoolExecutor(FETCHERS) as fetchers:
        for size in fetchers.map(bring, wanted):
            done += size
            if (done - told) * 10 >= total:
                told = done
                progress(f"fetched {done / 1e6:.0f} of {total / 1e6:.0f} MB")
    shutil.rmtree(staging, ignore_errors=True)


def _fetch_verified(jar: Jar, staging: Path, fetch: Fetch) -> None:
    """Leaves the jar in the staging folder, or raises LocalError."""
    why = ""
    for _ in range(TRIES):
        (staging / jar.path).unlink(missing_ok=True)
        try:
            fetch(jar, staging)
        except Exception as error:  # noqa: BLE001 - the client raises whatever its HTTP library does
            why = f"could not be fetched: {error}"
            continue
        if jar.is_intact(staging):
            return
        why = "arrived with another sha256 than the lock's"
    raise LocalError(f"{jar.coordinate}, a library of Kafka, {why}. Only the first start needs a network.")


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Holds the cache's lock: two first starts at once make what they need once. LocalError where it cannot."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "lock").open("w")
    except OSError as error:
        raise LocalError(f"The cache {cache} cannot be written: {error.strerror}. Set WAYPOST_CACHE.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
