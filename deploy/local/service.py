"""A service as a child process: its output goes to the console, its readiness is asked for over HTTP."""

import http.client
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.console import Console
from deploy.local.processes import Child, Command, Program

ROOT = Path(__file__).resolve().parents[2]
LAST_WORDS_S = 1.0
"""How long a stopped service's last lines may take to arrive."""


@dataclass(frozen=True)
class Service:
    """What to run."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    """Its whole environment."""
    ready_url: str | None = None
    """Answers 200 once it does its work; None if there is nothing to wait for."""

    def is_ready(self) -> bool:
        """Whether it says so."""
        if self.ready_url is None:
            return True
        url = urlsplit(self.ready_url)
        connection = http.client.HTTPConnection(url.netloc, timeout=2)
        try:
            connection.request("GET", url.path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class ServiceProgram(Program):
    """The running service."""

    def __init__(self, service: Service, console: Console, *, keep_open: Sequence[int]) -> None:
        super().__init__(service.name)
        self._command = Command(service.argv, env={**service.env, "PYTHONUNBUFFERED": "1"}, cwd=ROOT)
        self._console = console
        self._keep_open = keep_open
        self._reader: threading.Thread | None = None

    def start(self) -> Child:
        """Starts it."""
        child = self.launch(self._command, output=subprocess.PIPE, keep_open=self._keep_open)
        self._reader = threading.Thread(target=self._relay, args=(child,), daemon=True)
        self._reader.start()
        return child

    def stop(self) -> None:
        """Stops it for good; its last words are out when this returns."""
        super().stop()
        if self._reader is not None:
            self._reader.join(LAST_WORDS_S)

    def _relay(self, child: Child) -> None:
        assert child.output is not None
        with child.output as output:
            for line in output:
                self._console.say(self.name, line.decode(errors="replace").rstrip())
