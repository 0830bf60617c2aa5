"""The one module that imports the Kafka client library."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, TopicAlreadyExistsError

from shared.errors import BrokerUnavailable
from shared.events.catalog import SHARDS, TOPICS, Topic
from shared.telemetry.names import Log

log = structlog.get_logger()

_LONG_POLL_MS = 250
"""How long the broker waits for a record. So long, at most, a new assignment waits too."""
_STOP_TIMEOUT_S = 5
_SEND_TIMEOUT_S = 15
_BATCH_BYTES = 900_000
_REPLICAS = 3
"""Copies of each partition, where there are so many brokers."""

_GONE = (KafkaError, TimeoutError, OSError, RuntimeError)
"""What the library lets out where the broker is gone. A RuntimeError that is no KafkaError is uvloop's: a
connection closed just now, and is written to before the library knows."""

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was read. Its repr hides the value."""

    topic: Topic
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Mapping[str, bytes | None] = field(repr=False)

    def header(self, name: str) -> str:
        """A header as text that PostgreSQL takes; empty where it is absent or null."""
        return (self.headers.get(name) or b"").decode(errors="replace").replace("\0", "\ufffd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What is to be published."""

    key: bytes
    value: bytes = field(repr=False)
    headers: Headers = field(repr=False)


class PastRetention(Exception):
    """A position is no longer in its topic."""

    def __init__(self, offsets: Mapping[tuple[str, int], int]) -> None:
        super().__init__(str(offsets))
        self.offsets = offsets


class Producer:
    """An idempotent producer that waits for all acknowledgements. After a failure it makes itself anew."""

    def __init__(self, bootstrap: str, *, topic_prefix: str) -> None:
        self._bootstrap = bootstrap
        self._prefix = topic_prefix
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def publish(self, topic: str, partition: int, records: Iterable[Outgoing]) -> None:
        """Publishes in this order and returns once everything is acknowledged.

        Raises BrokerUnavailable; then nothing is known of what has arrived.
        """
        producer = await self._open()
        wire_topic = f"{self._prefix}.{topic}"
        acknowledgements = []
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                batch = producer.create_batch()
                for record in records:
                    fields = {"key": record.key, "value": record.value, "headers": record.headers}
                    if batch.append(timestamp=None, **fields) is None:
                        acknowledgements.append(await producer.send_batch(batch, wire_topic, partition=partition))
                        batch = producer.create_batch()
                        batch.append(timestamp=None, **fields)
                batch.close()
                acknowledgements.append(await producer.send_batch(batch, wire_topic, partition=partition))
                await asyncio.gather(*acknowledgements)
        except (*_GONE, AssertionError) as error:
            # An idempotent producer that has lost its place cannot go on; a fresh one can, and readers
            # drop by sequence what arrives twice.
            await self._discard(producer)
            raise BrokerUnavailable(f"publishing to {topic}: {type(error).__name__}") from error

    async def close(self) -> None:
        """Ends the connection, in bounded time."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=0,
                    max_batch_size=_BATCH_BYTES,
                    max_request_size=2 * _BATCH_BYTES,
                    request_timeout_ms=10_000,
                )
                await _start(producer, within_s=_SEND_TIMEOUT_S)
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await _stop(producer)


class Reader:
    """Hand-assigned partitions, read from positions that the caller keeps."""

    def __init__(self, bootstrap: str, *, topics: Sequence[Topic], topic_prefix: str, group: str) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._by_wire_name = {f"{topic_prefix}.{topic.name}": topic for topic in topics}
        self._wire_names = {topic.name: wire for wire, topic in self._by_wire_name.items()}
        # No group: with one, assigning anew while the client looks for its coordinator kills the client.
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_LONG_POLL_MS,
            max_partition_fetch_bytes=1_048_576,
            request_timeout_ms=10_000,
        )

    async def start(self) -> None:
        """Connects. Raises BrokerUnavailable."""
        await _start(self._consumer, within_s=_SEND_TIMEOUT_S)

    async def stop(self) -> None:
        """Disconnects, in bounded time."""
        await _stop(self._consumer)

    def assign(self, next_offsets: Mapping[tuple[str, int], int]) -> None:
        """Reads these (topic, partition)s from these offsets on, and nothing else."""
        places = {self._place(*place): offset for place, offset in next_offsets.items()}
        # No await in between: a fetch that runs between assigning and seeking finds no offset.
        self._consumer.assign(list(places))
        for place, offset in places.items():
            self._consumer.seek(place, offset)

    def pause(self, topic: str, partition: int) -> None:
        """Fetches no more of this partition for now."""
        self._consumer.pause(self._place(topic, partition))

    def resume(self, topic: str, partition: int) -> None:
        """Fetches this partition again."""
        self._consumer.resume(self._place(topic, partition))

    async def fetch(self, *, wait_ms: int, max_records: int) -> Mapping[tuple[str, int], list[Record]]:
        """The next records by (topic, partition), none after `wait_ms`.

        Raises PastRetention and BrokerUnavailable.
        """
        try:
            batches = await self._consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
        except OffsetOutOfRangeError as error:
            places = error.args[0]
            raise PastRetention(
                {(self._by_wire_name[tp.topic].name, tp.partition): offset for tp, offset in places.items()}
            ) from error
        except _GONE as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return {
            ((topic := self._by_wire_name[tp.topic]).name, tp.partition): [
                Record(
                    topic=topic,
                    partition=tp.partition,
                    offset=raw.offset,
                    key=raw.key,
                    value=raw.value,
                    headers=dict(raw.headers),
                )
                for raw in records
            ]
            for tp, records in batches.items()
        }

    async def end_offsets(self, places: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """One past the last offset of each (topic, partition), as the broker has it now."""
        return await self._offsets(places, end=True)

    async def beginning_offsets(self, places: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """The first offset that each (topic, partition) still has."""
        return await self._offsets(places, end=False)

    async def publish_positions(self, next_offsets: Mapping[tuple[str, int], int]) -> None:
        """Tells the broker how far this service is. Only for tools that show lag: nothing reads it back."""
        if not next_offsets:  # a process may hold no shard, and the library takes no empty commit
            return
        offsets = {self._place(*place): offset for place, offset in next_offsets.items()}
        reporter = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=self._group, enable_auto_commit=False
        )
        reporter.assign(list(offsets))
        try:
            await _start(reporter, within_s=_STOP_TIMEOUT_S)
        except BrokerUnavailable:
            return
        try:
            with suppress(*_GONE):
                async with asyncio.timeout(_STOP_TIMEOUT_S):
                    await reporter.commit(offsets)
        finally:
            await _stop(reporter)

    async def _offsets(self, places: Iterable[tuple[str, int]], *, end: bool) -> Mapping[tuple[str, int], int]:
        wire = {self._place(*place): place for place in places}
        ask = self._consumer.end_offsets if end else self._consumer.beginning_offsets
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                offsets = await ask(list(wire))
        except _GONE as error:
            raise BrokerUnavailable from error
        return {wire[place]: offset for place, offset in offsets.items()}

    def _place(self, topic: str, partition: int) -> TopicPartition:
        return TopicPartition(self._wire_names[topic], partition)


async def create_topics(
    bootstrap: str,
    *,
    topic_prefix: str,
    partitions: int = SHARDS,
    topics: Collection[Topic] = tuple(TOPICS.values()),
) -> list[str]:
    """Makes those topics that do not exist yet, by default of the whole catalog; the wire names of those made.

    Raises BrokerUnavailable.
    """
    async with _admin(bootstrap) as admin:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if f"{topic_prefix}.{topic.name}" not in existing]
        if not missing:
            return []
        brokers = len((await admin.describe_cluster())["brokers"])
        with suppress(TopicAlreadyExistsError):
            await admin.create_topics(
                [
                    NewTopic(
                        name=f"{topic_prefix}.{topic.name}",
                        num_partitions=partitions,
                        replication_factor=min(_REPLICAS, brokers),
                        topic_configs={
                            "cleanup.policy": "delete",
                            "retention.ms": str(int(topic.retention.total_seconds() * 1000)),
                        },
                    )
                    for topic in missing
                ]
            )
        return [f"{topic_prefix}.{topic.name}" for topic in missing]


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)
    try:
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            await admin.start()
        yield admin
    except _GONE as error:
        raise BrokerUnavailable(type(error).__name__) from error
    finally:
        # What was asked for is done by now, or has failed with an error of its own that must not be hidden.
        with suppress(*_GONE):
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await admin.close()


_abandoned: set["asyncio.Future[None]"] = set()
"""What still starts though nobody waits for it. Held here: the event loop alone would forget it."""


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer, *, within_s: float) -> None:
    """Starts a client. Raises BrokerUnavailable; then it is stopped, or will be.

    Cut off while it connects, the library forgets a connection that it has opened: whoever gives up leaves it to
    come to an end by itself, which its own timeouts bound.
    """
    starting = asyncio.ensure_future(client.start())
    try:
        async with asyncio.timeout(within_s):
            await asyncio.shield(starting)
    except BaseException as error:
        stopping = asyncio.ensure_future(_stop_once_started(starting, client))
        _abandoned.add(stopping)
        stopping.add_done_callback(_abandoned.discard)
        if isinstance(error, _GONE):
            raise BrokerUnavailable(type(error).__name__) from error
        raise


async def _stop_once_started(
    starting: "asyncio.Future[None]", client: AIOKafkaProducer | AIOKafkaConsumer
) -> None:
    await asyncio.wait([starting])
    if not starting.cancelled():
        starting.exception()  # whoever waited for it has heard of it, or has gone
    await _stop(client)


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stops a client whose `stop` may never return, as it does when the broker is gone."""
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await client.stop()
    except _GONE as error:
        log.warning(Log.BROKER_CLIENT_ABANDONED, error=type(error).__name__)
    except asyncio.CancelledError:
        # The library cancels tasks of its own and lets that out, where a fetch pauses after a failure. Were
        # it to go on from here, whoever stops the client would end in silence, and nobody would read again.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        log.warning(Log.BROKER_CLIENT_ABANDONED, error="CancelledError")
