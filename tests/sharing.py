"""All workers of a run share one PostgreSQL and one Kafka: the process that deals out the tests runs them."""

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.errors import LocalError
from deploy.local.folder import write_private
from deploy.local.jars import cache_folder, provide, read_lock
from deploy.local.stack import Stack

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

WITHIN_S = 90.0


class Host:
    """Plugin of the process that deals out the tests. It starts the servers while the workers look for tests."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        """progress: gets a line about every step of fetching what is not there yet"""
        self._folder = Path(tempfile.mkdtemp(prefix="waypost-tests-"))
        # PostgreSQL does not run as root: for its sake anybody may enter, as with any folder of a project.
        self._folder.chmod(0o755)
        provide(read_lock(), cache_folder(self._folder), progress=progress)
        self._has_ended = threading.Event()
        self._running = threading.Thread(target=self._run, name="stack")
        self._running.start()

    def pytest_configure_node(self, node: "WorkerController") -> None:
        """Tells a worker where to find them."""
        node.workerinput["stack"] = str(self._folder)

    def pytest_unconfigure(self) -> None:
        """Stops them, once the last worker has ended."""
        self._has_ended.set()
        self._running.join()
        shutil.rmtree(self._folder)

    def _run(self) -> None:
        outcome = self._folder / "outcome.json"
        try:
            with Stack.start(self._folder, progress=lambda _: None, durable=False) as running:
                write_private(outcome, json.dumps({"ports": running.ports}))
                self._has_ended.wait()
                # In good order it would first write out thousands of partitions that nobody reads again.
                running.kafka.kill()
        except Exception as error:  # noqa: BLE001 - whatever it is, the workers wait to hear of it
            write_private(outcome, json.dumps({"failure": f"{type(error).__name__}: {error}"}))


def join(folder: Path) -> Stack:
    """The servers that the host runs in this folder, once they are there. LocalError if they do not come."""
    until = time.monotonic() + WITHIN_S
    while not (folder / "outcome.json").exists():
        if time.monotonic() > until:
            raise LocalError(f"PostgreSQL and Kafka did not start within {WITHIN_S:.0f} s.")
        time.sleep(0.05)
    outcome = json.loads((folder / "outcome.json").read_text())
    if "failure" in outcome:
        raise LocalError(outcome["failure"])
    return Stack.join(folder, outcome["ports"])
