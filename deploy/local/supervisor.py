"""Brings servers and services up, keeps them running until it is told to stop, stops them in order."""

import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from deploy.local.console import Console
from deploy.local.errors import LocalError, StoppedError
from deploy.local.keeper import Keeper
from deploy.local.processes import Program
from deploy.local.server import Server, start_all
from deploy.local.service import Service, ServiceProgram

READY_WITHIN_S = 60.0
POLL_S = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NAME = "waypost"


class Supervisor:
    """One run of the whole system."""

    def __init__(
        self,
        console: Console,
        *,
        servers: Sequence[Server],
        services: Callable[[], Sequence[Service]],
        ready: Callable[[], None],
        keep_open: Sequence[int] = (),
    ) -> None:
        """servers: started first, side by side; stopped last, one by one, from the last to the first.

        services: asked for once the servers answer
        ready: called once every service is ready
        keep_open: file descriptors that services inherit
        """
        self._console = console
        self._servers = servers
        self._services = services
        self._ready = ready
        self._keep_open = keep_open
        self._programs: list[Program] = list(servers)
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        # What happens: a signal, a failure, or None when everything has stopped. The only kind of queue into
        # which a signal handler may put something.
        self._events: SimpleQueue[int | str | None] = SimpleQueue()

    def run(self) -> int:
        """Returns the exit code after a stop: 0 when it was asked for by a signal, 1 after a failure."""
        for number in STOP_SIGNALS:  # explicitly: a shell's background job starts with SIGINT ignored
            signal.signal(number, lambda caught, _: self._events.put(caught))
        threading.Thread(target=self._bring_up, daemon=True).start()
        threading.Thread(target=self._watch_terminal, daemon=True).start()
        event = self._events.get()
        if isinstance(event, str):
            self._console.say(NAME, event)
        self._console.say(NAME, "stopping (Ctrl-C: at once)")
        threading.Thread(target=self._stop, daemon=True).start()
        while (later := self._events.get()) is not None:
            if later == signal.SIGINT:
                for program in self._programs:
                    program.hurry()
        self._console.say(NAME, "stopped")
        return 1 if isinstance(event, str) else 0

    def _bring_up(self) -> None:
        try:
            start_all(self._servers)
            self._keep(self._servers)
            services = self._services()
            self._keep([ServiceProgram(service, self._console, keep_open=self._keep_open) for service in services])
            self._await(services)
            self._ready()
        except StoppedError:
            pass
        except LocalError as error:
            self._events.put(str(error))
        except Exception:  # noqa: BLE001 - a hook's error ends the run, after everything was stopped in order
            self._events.put(traceback.format_exc())

    def _keep(self, programs: Sequence[Program]) -> None:
        with self._changing:
            if self._stopping.is_set():
                raise StoppedError("the system is being stopped")
            self._programs += [program for program in programs if program not in self._programs]
            for program in programs:
                Keeper(program, self._console).start()

    def _watch_terminal(self) -> None:
        # The SIGHUP itself goes to the terminal's first process alone, and make, if it is that, keeps it.
        self._console.wait_for_hangup()
        self._events.put(signal.SIGHUP)

    def _await(self, services: Sequence[Service]) -> None:
        until = time.monotonic() + READY_WITHIN_S
        missing = [service for service in services if service.ready_url is not None]
        while missing:
            for service in [service for service in missing if service.is_ready()]:
                missing.remove(service)
                self._console.say(service.name, "ready")
            if time.monotonic() > until:
                names = ", ".join(service.name for service in missing)
                raise LocalError(f"Not ready after {READY_WITHIN_S:g} s: {names}.")
            if self._stopping.wait(POLL_S):
                raise StoppedError("the system is being stopped")

    def _stop(self) -> None:
        with self._changing:
            self._stopping.set()
        for program in self._programs:
            program.retire()
        services = [program for program in self._programs if program not in self._servers]
        with ThreadPoolExecutor(max_workers=len(services) or 1) as stoppers:
            list(stoppers.map(self._stop_one, services))
        for server in reversed(self._servers):
            self._stop_one(server)
        self._events.put(None)

    def _stop_one(self, program: Program) -> None:
        program.stop()
        self._console.say(program.name, "stopped")
