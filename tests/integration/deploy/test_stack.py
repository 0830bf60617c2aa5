import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.console import Console
from deploy.local.folder import Folder
from deploy.local.stack import Stack
from deploy.local.waypost import SERVICES, System, unused_ports
from tests.eventually import eventually
from tests.integration.deploy.running import is_alive


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack") / "data"


@pytest.fixture(scope="module")
def stack(data: Path) -> Iterator[Stack]:
    with Stack.start(data) as first:
        first.postgres.create_database("intake", prefix="kept_")
    # From here on it is the second start, on the same data.
    steps: list[str] = []
    with Stack.start(data, progress=steps.append) as second:
        assert [step.split(" on port ")[0] for step in sorted(steps)] == ["kafka: ready", "postgres: ready"]
        yield second


def test_the_broker_starts_with_the_classes_that_were_loaded_once(stack: Stack) -> None:
    command = Path(f"/proc/{stack.kafka.pid}/cmdline").read_text().split("\0")
    assert [option for option in command if option.startswith("-XX:AOTCache=")]
    assert "[aot" not in stack.kafka.said(), "Java says why it does without them"


async def is_cut(connection: Any) -> bool:
    try:
        await connection.execute("SELECT 1")
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
        return True
    return False


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def topic(stack: Stack) -> str:
    name = f"topic-{uuid4()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return name


async def produce(stack: Stack, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, partition=0)


async def consume(stack: Stack, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(bootstrap_servers=stack.kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes | None = (await consumer.getone()).value
        return value


async def test_postgres_is_version_18(stack: Stack) -> None:
    async with connected(stack.postgres.admin_url) as admin:
        assert (await admin.fetchval("SHOW server_version")).startswith("18.")
        assert await admin.fetchval("SHOW fsync") == "on"
        assert await admin.fetchval("SHOW listen_addresses") == "127.0.0.1"


async def test_kafka_takes_and_gives_records(stack: Stack) -> None:
    name = await topic(stack)
    await produce(stack, name, b"hello")
    assert await consume(stack, name) == b"hello"


async def test_login_uses_what_its_owner_makes(stack: Stack) -> None:
    made = stack.postgres.create_database("intake", prefix="t1_")
    async with connected(made.owner_url) as owner:
        await owner.execute("CREATE TABLE ticket (id bigserial PRIMARY KEY, subject text)")
    async with connected(made.url) as login:
        await login.execute("INSERT INTO ticket (subject) VALUES ('hello')")
        await login.execute("UPDATE ticket SET subject = 'bye'")
        assert await login.fetchval("DELETE FROM ticket RETURNING subject") == "bye"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute("CREATE TABLE mine ()")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute("DROP TABLE ticket")


async def test_service_cannot_connect_to_what_is_not_its_own(stack: Stack) -> None:
    intake = stack.postgres.create_database("intake", prefix="t2_")
    router = stack.postgres.create_database("router", prefix="t2_")
    for url in (intake.url, intake.owner_url):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await asyncpg.connect(url.replace(intake.name, router.name))
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
            await asyncpg.connect(url.replace(intake.name, "postgres"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(intake.url.replace("waypost_intake:", "waypost_intake:not"))


async def test_roles_have_no_power(stack: Stack) -> None:
    stack.postgres.create_database("metrics", prefix="t3_")
    async with connected(stack.postgres.admin_url) as admin:
        roles = await admin.fetch("SELECT * FROM pg_roles WHERE rolname LIKE 'waypost_metrics%'")
    powers = ("rolsuper", "rolbypassrls", "rolcreatedb", "rolcreaterole", "rolreplication")
    assert len(roles) == 2
    assert not [(role["rolname"], power) for role in roles for power in powers if role[power]]


async def test_copy_of_a_template_has_its_rows_and_its_rights(stack: Stack) -> None:
    template = stack.postgres.create_database("escalation", prefix="tmpl_")
    async with connected(template.owner_url) as owner:
        await owner.execute("CREATE TABLE clock (id int); INSERT INTO clock VALUES (7)")
    copy = stack.postgres.create_database("escalation", prefix="t4_", template=template.name)
    assert stack.postgres.create_database("escalation", prefix="t4_", template=template.name) == copy
    async with connected(copy.url) as login:
        assert await login.fetchval("SELECT id FROM clock") == 7
    async with connected(copy.owner_url) as owner:
        await owner.execute("CREATE TABLE later (); ALTER TABLE clock ADD due_at timestamptz")
    async with connected(copy.url) as login:
        await login.execute("SELECT FROM later")
    stack.postgres.drop_database(copy.name)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(copy.url)


async def test_killed_postgres_is_back_with_its_data_on_its_port(stack: Stack) -> None:
    made = stack.postgres.create_database("intake", prefix="t5_")
    old = stack.postgres.pid
    async with connected(made.owner_url) as owner:
        await owner.execute("CREATE TABLE kept ()")
        stack.postgres.kill()
        assert not is_alive(old)
        await eventually(lambda: is_cut(owner), what="its backend, which outlives it for a moment, is gone")
    stack.postgres.restart()
    assert stack.postgres.pid != old
    async with connected(made.url) as login:
        await login.execute("SELECT FROM kept")


async def test_killed_kafka_is_back_with_its_data_on_its_port(stack: Stack) -> None:
    name = await topic(stack)
    await produce(stack, name, b"kept")
    old = stack.kafka.pid
    stack.kafka.kill()
    assert not is_alive(old)
    stack.kafka.restart()
    assert await consume(stack, name) == b"kept"


async def test_only_loopback_is_listened_on(stack: Stack) -> None:
    ports = {*stack.postgres.ports, *stack.kafka.ports}
    sockets = [
        line.split() for family in ("tcp", "tcp6") for line in Path(f"/proc/net/{family}").read_text().splitlines()
    ]
    # Addresses and ports are hexadecimal there, and state 0A is LISTEN.
    listening = [socket[1].split(":") for socket in sockets if socket[3] == "0A"]
    addresses = {address for address, port in listening if int(port, 16) in ports}
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert len(addresses) > 0


async def test_system_tells_every_service_where_its_things_are(stack: Stack, data: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path, -1, stack.postgres.folder.passwords)
    ports = unused_ports()
    given = {"WAYPOST_DATABASE_URL": stack.postgres.admin_url, "WAYPOST_KAFKA_BOOTSTRAP": stack.kafka.bootstrap}
    system = System(folder, ports, {**given, "LANG": "C"}, Console())
    assert system.servers == []  # the given ones are used
    services = {service.name: service for service in system.services()}
    assert list(services) == ["mail_sink", *SERVICES]
    env = services["router"].env
    assert env["WAYPOST_HTTP_PORT"] == str(ports["router"])
    assert env["WAYPOST_KAFKA_BOOTSTRAP"] == stack.kafka.bootstrap
    assert env["LANG"] == "C"
    assert services["router"].ready_url == f"http://127.0.0.1:{ports['router']}/health/ready"
    assert "WAYPOST_DATABASE_URL" not in services["mail_sink"].env
    async with connected(env["WAYPOST_DATABASE_URL"]) as login:
        assert (
            await login.fetchval("SELECT current_user || '@' || current_database()")
            == "waypost_router@waypost_router"
        )
    assert json.loads((tmp_path / "ports.json").read_text()) == system.ports


def test_secrets_are_only_their_owners(stack: Stack, data: Path) -> None:
    assert (data / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert not (data / "postgres" / "password").exists()
