"""What PostgreSQL and Kafka have in common: ports, a log, and a moment from which they answer."""

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from deploy.local.errors import LocalError, StoppedError
from deploy.local.folder import Folder
from deploy.local.ports import SERVER_PORTS, free_ports, require_free
from deploy.local.processes import Child, Command, Program

START_WITHIN_S = 60.0
POLL_S = 0.02
TAIL_LINES = 20

Progress = Callable[[str], None]


class Server(Program):
    """A server on loopback. Its first start settles the ports; later ones use the same ports and data."""

    def __init__(self, name: str, folder: Folder, *, ports: Sequence[int | None], progress: Progress) -> None:
        """ports: those it has to have; None for one that is free."""
        super().__init__(name)
        self.folder = folder
        self.home = folder.path / name
        self.progress = progress
        self._log = folder.log(name)
        self._log_start = 0
        self._wanted = ports
        self._settled: Sequence[int] | None = None

    @property
    def ports(self) -> Sequence[int]:
        """Its ports, known from its first start on."""
        assert self._settled is not None, f"{self.name} has not been started"
        return self._settled

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.child is not None, f"{self.name} has not been started"
        return self.child.pid

    @abstractmethod
    def prepare(self) -> None:
        """Makes what a start needs and what is not there yet."""

    @abstractmethod
    def command(self, ports: Sequence[int]) -> Command:
        """How to run it."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    def require_ports(self) -> None:
        """LocalError if somebody else listens on a port that it has to have."""
        for port in self._wanted:
            if port is not None:
                require_free(port, self.name)

    def start(self) -> Child:
        """Starts it unless it runs, and returns when it answers."""
        if self.child is not None and self.is_running:
            return self.child
        began = time.monotonic()
        self.prepare()
        until = time.monotonic() + START_WITHIN_S
        while True:
            ports = self._settled or [wanted or free_ports(1, SERVER_PORTS)[0] for wanted in self._wanted]
            child = self.run(self.command(ports))
            if self.comes_up(child, until=until):
                self._settled = ports
                self.progress(f"ready on port {ports[0]} after {time.monotonic() - began:.1f} s")
                return child
            if not (child.ended.is_set() and self.may_pass(self.said())):
                self.kill()
                raise self._failure("did not start")
            self.stopping.wait(0.1)

    def join(self, ports: Sequence[int]) -> None:
        """Takes the one that another process runs on these ports, and leaves starting and stopping to it."""
        self._settled = ports

    def restart(self) -> None:
        """Kills it if it runs, and starts it."""
        self.kill()
        self.start()

    def comes_up(self, child: Child, *, until: float) -> bool:
        """Whether it answers before it ends, and before this time (of `time.monotonic`)."""
        while time.monotonic() < until and not child.ended.wait(POLL_S):
            if self.is_ready():
                return True
        return False

    def may_pass(self, said: str) -> bool:
        """Whether a start that failed with these words is worth another try."""
        return "Address already in use" in said and (self._settled is not None or None in self._wanted)

    def run_tool(self, command: Command) -> None:
        """Runs one of the server's tools to its end."""
        child = self.run(command)
        child.ended.wait()
        if child.exit_code != 0:
            raise self._failure("could not be set up")

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join([f"Its log, {self._log}, ends with:", *self.said().splitlines()[-TAIL_LINES:]])

    def said(self) -> str:
        """What its latest process has logged."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def run(self, command: Command) -> Child:
        """Runs one of its programs, which writes into its log."""
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            return self.launch(command, output=log, keep_open=[self.folder.lock])

    def _failure(self, what: str) -> LocalError:
        if self.stopping.is_set():
            return StoppedError(f"{self.name} was stopped")
        return LocalError(f"{self.name} {what}.\n{self.last_words()}")


def start_all(servers: Sequence[Server]) -> None:
    """Starts them side by side; raises the first failure once all have come to an end."""
    with ThreadPoolExecutor(max_workers=len(servers) or 1) as starters:
        for start in [starters.submit(server.start) for server in servers]:
            start.result()
