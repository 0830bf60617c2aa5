"""Makes kafka.lock anew, after a version below has changed: `python -m deploy.local.relock`."""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from deploy.local.jars import LOCK, TIMEOUT_S

ROOTS = (
    "org.apache.kafka:kafka_2.13:4.3.0",
    # Kafka brings no logging back end of its own; without one the broker is mute.
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)
SCOPES = ("compile", "runtime")
HEADER = """\
# What Kafka runs on: sha256, group:artifact:version, path in the cache, size.
# Made by `python -m deploy.local.relock`; do not edit.
"""


def main() -> None:
    """Resolves the roots with all they need, fetches it and writes down what arrived."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=TIMEOUT_S)
        # raw: the versions managed by one root's parent must not be forced on the other root. Without it
        # log4j's parent, which pins a Kafka client of its own, puts a 3.9 client into a 4.3 broker.
        roots = [context.create_dependency(raw(root)) for root in ROOTS]
        artifacts = {
            f"{found.groupId}:{found.artifactId}:{found.version}": found.artifact.resolve().relative_to(folder)
            for resolved in context.resolver.resolve(roots)
            for found in resolved
            if found.scope in SCOPES
        }
        lines = [
            f"{hashlib.sha256(content).hexdigest()} {coordinate} {path} {len(content)}\n"
            for coordinate, path in sorted(artifacts.items())
            for content in [(Path(folder) / path).read_bytes()]
        ]
    LOCK.write_text(HEADER + "".join(lines))
    print(f"{LOCK.name}: {len(lines)} libraries")


def raw(root: str) -> Coordinate:
    """The coordinate of a root."""
    group, artifact, version = root.split(":")
    return Coordinate(group, artifact, version, scope="compile", raw=True)


if __name__ == "__main__":
    main()
