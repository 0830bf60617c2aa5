"""Records on their way from the broker to the shard that applies them. One reader a process, one inbox a shard."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from shared.clock import monotonic
from shared.errors import BrokerUnavailable, FatalError
from shared.events.catalog import Topic
from shared.kafka.client import PastRetention, Reader, Record
from shared.patience import Patience
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Wakeup

log = structlog.get_logger()

_FULL = 4000
_LOW = 1000
_GATHER_S = 0.05
"""How long an assignment waits for others: shards come and go several at once, and for each assignment the
broker first sits out the fetch that is under way."""
_CHECK_S = 5.0
_REPORT_S = 30.0
_STALL_S = 10.0
"""A fetcher that brings nothing for so long, although there is something, is made anew."""


class Inbox:
    """What was read for one shard and is not applied yet.

    expected: the offset that the next record of each topic must have
    applied: the offset up to which each topic's effects are committed
    """

    def __init__(self, shard: int, next_offsets: Mapping[str, int], bell: Wakeup) -> None:
        self.shard = shard
        self.expected = dict(next_offsets)
        self.applied = dict(next_offsets)
        self.bell = bell
        self.is_paused = False
        self.has_requests = False
        """Whether somebody wants parked records of this shard replayed or discarded."""
        self._records: deque[Record] = deque()
        self._taken = 0
        self._sightings: deque[tuple[float, Mapping[str, int]]] = deque()
        self._level_at: float | None = None

    @property
    def pending(self) -> int:
        """Records that were read and not taken yet."""
        return len(self._records)

    def put(self, records: Sequence[Record]) -> None:
        """Adds records of one topic, in order."""
        self._records.extend(records)
        self.expected[records[-1].topic.name] = records[-1].offset + 1
        self.bell.ring()

    def take(self, most: int) -> list[Record]:
        """The oldest records, at most so many; none when there are none."""
        taken = [self._records.popleft() for _ in range(min(most, len(self._records)))]
        self._taken = len(taken)
        return taken

    def commit(self, next_offsets: Mapping[str, int]) -> None:
        """Notes what has been applied and committed."""
        self.applied.update(next_offsets)
        self._taken = 0

    def has_applied(self, ends: Mapping[str, int]) -> bool:
        """Whether everything before these offsets is applied and committed."""
        # Where retention has emptied a topic nothing is applied any more up to its end.
        is_drained = not self._records and not self._taken
        return all(
            self.applied[topic] >= end or (is_drained and self.expected[topic] >= end)
            for topic, end in ends.items()
        )

    def sight(self, ends: Mapping[str, int], at: float) -> None:
        """Notes where the broker's topics ended at a moment."""
        self._sightings.append((at, ends))

    def level_at(self) -> float | None:
        """The latest look at the broker of which everything is applied, by the monotonic clock; none before."""
        while self._sightings and self.has_applied(self._sightings[0][1]):
            self._level_at = self._sightings.popleft()[0]
        return self._level_at


class Inboxes:
    """Reads the partitions of all shards that this process holds, over one connection.

    Backpressure is by shard: a full inbox pauses its own partitions and nobody else's.
    """

    def __init__(self, open_reader: Callable[[], Reader], topics: Sequence[Topic], metrics: Metrics) -> None:
        self.topics = [topic.name for topic in topics]
        self._open_reader = open_reader
        self._metrics = metrics
        self._reader: Reader | None = None
        self._asker: Reader | None = None
        self._asking = asyncio.Lock()
        self._has_ended = False
        self._inboxes: dict[int, Inbox] = {}
        self._is_assigned = False
        self._attached = Wakeup()
        self._healthy_at = monotonic()

    def attach(self, shard: int, next_offsets: Mapping[str, int], bell: Wakeup) -> Inbox:
        """Starts reading a shard's partitions from these offsets, a topic never read from its beginning."""
        inbox = Inbox(shard, {topic: next_offsets.get(topic, 0) for topic in self.topics}, bell)
        self._inboxes[shard] = inbox
        self._is_assigned = False
        self._attached.ring()
        return inbox

    def detach(self, inbox: Inbox) -> None:
        """Stops reading a shard's partitions."""
        if self._inboxes.get(inbox.shard) is inbox:
            del self._inboxes[inbox.shard]
            self._is_assigned = False

    def resume(self, inbox: Inbox) -> None:
        """Reads on for an inbox that has been drained enough."""
        if inbox.is_paused and inbox.pending <= _LOW and self._reader is not None:
            inbox.is_paused = False
            for topic in self.topics:
                self._reader.resume(topic, inbox.shard)

    def request_replay(self, shard: int) -> None:
        """Tells whoever applies this shard that parked records wait to be tried again."""
        if inbox := self._inboxes.get(shard):
            inbox.has_requests = True
            inbox.bell.ring()

    def of(self, shard: int) -> Inbox | None:
        """The inbox of a shard, while somebody applies it."""
        return self._inboxes.get(shard)

    async def ends(
        self, shards: Collection[int], topics: Sequence[str] | None = None
    ) -> Mapping[int, Mapping[str, int]]:
        """By shard one past the last offset of its partition of each topic, as the broker has it now.

        Raises BrokerUnavailable.
        """
        wanted = topics or self.topics
        async with self._asking:
            if self._has_ended:
                raise BrokerUnavailable
            if self._asker is None:
                # A connection of its own: a broker answers in order, and a fetch may wait for records.
                asker = self._open_reader()
                try:
                    await asker.start()
                except asyncio.CancelledError:
                    await asker.stop()
                    raise
                self._asker = asker
        asker = self._asker
        try:
            ends = await asker.end_offsets((topic, shard) for shard in shards for topic in wanted)
        except BrokerUnavailable:
            if self._asker is asker:
                self._asker = None
                await asker.stop()
            raise
        return {shard: {topic: ends[topic, shard] for topic in wanted} for shard in shards}

    def check(self) -> None:
        """Raises BrokerUnavailable where nothing has been heard of the broker for too long."""
        if monotonic() - self._healthy_at > 3 * _CHECK_S:
            raise BrokerUnavailable

    async def run(self, stopping: asyncio.Event) -> None:
        """Reads until `stopping`. Raises FatalError after a long outage."""
        patience = Patience("reading")
        while not stopping.is_set():
            began = monotonic()
            try:
                await self._read(stopping)
            except* BrokerUnavailable as group:
                log.warning(Log.BROKER_UNAVAILABLE, error=str(group.exceptions[0]))
                if self._healthy_at > began:
                    patience.succeeded()
                await patience.bear(group, stopping)
        async with self._asking:
            self._has_ended = True
            if self._asker is not None:
                await self._asker.stop()

    async def _read(self, stopping: asyncio.Event) -> None:
        reader = self._open_reader()
        await reader.start()
        self._reader, self._is_assigned = reader, False
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch(reader))
                try:
                    while not stopping.is_set():
                        await self._next(reader)
                finally:
                    # Both: a cancellation may be lost in a library, and the group would wait for ever.
                    self._reader = None
                    watch.cancel()
        finally:
            await reader.stop()

    async def _next(self, reader: Reader) -> None:
        if not self._is_assigned:
            await asyncio.sleep(_GATHER_S)
            self._assign(reader)
        if self._inboxes:
            await self._fetch(reader)
        else:
            await self._attached.wait(0.2)

    def _assign(self, reader: Reader) -> None:
        self._is_assigned = True
        reader.assign(
            {
                (topic, inbox.shard): offset
                for inbox in self._inboxes.values()
                for topic, offset in inbox.expected.items()
            }
        )
        for inbox in self._inboxes.values():
            inbox.is_paused = False

    async def _fetch(self, reader: Reader) -> None:
        try:
            batches = await reader.fetch(wait_ms=200, max_records=_FULL)
        except PastRetention as lost:
            await self._recover(reader, lost.offsets)
            return
        strayed = False
        for (topic, shard), records in batches.items():
            inbox = self._inboxes.get(shard)
            if inbox is None:
                continue
            if records[0].offset != inbox.expected[topic]:
                # A fetch that was under way when the assignment changed.
                strayed = True
                continue
            inbox.put(records)
            self._metrics.consumed.labels(topic).inc(len(records))
            if inbox.pending >= _FULL and not inbox.is_paused:
                inbox.is_paused = True
                for name in self.topics:
                    reader.pause(name, shard)
        if strayed:
            self._is_assigned = False

    async def _recover(self, reader: Reader, lost: Mapping[tuple[str, int], int]) -> None:
        """Goes on at the first record that is still there.

        Never at the last one: what is missing between shows as a gap in each subject's sequence, so that
        nothing is lost in silence; a snapshot of the writer closes it.
        """
        first = await reader.beginning_offsets(lost)
        for (topic, shard), offset in lost.items():
            if first[topic, shard] < offset:
                raise FatalError(f"partition {shard} of {topic} ends before our position: was it made anew?")
            log.error(Log.RETENTION_PASSED, topic=topic, shard=shard, missing=first[topic, shard] - offset)
            self._metrics.retention_passed.inc()
            if inbox := self._inboxes.get(shard):
                inbox.expected[topic] = first[topic, shard]
        self._is_assigned = False

    async def _watch(self, reader: Reader) -> None:
        """Compares what the broker has with what arrives. A silent fetcher is taken for dead."""
        behind_since: dict[tuple[str, int], tuple[int, float]] = {}
        reported_at = 0.0
        while self._reader is reader:
            await asyncio.sleep(_CHECK_S)
            places = {(topic, inbox.shard): inbox for inbox in self._inboxes.values() for topic in self.topics}
            ends = await reader.end_offsets(places)
            now = monotonic()
            for place, inbox in places.items():
                expected = inbox.expected[place[0]]
                seen, since = behind_since.get(place, (expected, now))
                if inbox.is_paused or ends[place] <= expected or seen != expected:
                    seen, since = expected, now
                behind_since[place] = seen, since
                if now - since > _STALL_S:
                    raise BrokerUnavailable(f"no record of {place} for {_STALL_S:.0f} s")
            self._healthy_at = now
            for inbox in set(places.values()):
                inbox.sight({topic: ends[topic, inbox.shard] for topic in self.topics}, now)
            for topic in self.topics:
                lag = sum(
                    ends[place] - inbox.applied[topic] for place, inbox in places.items() if place[0] == topic
                )
                self._metrics.lag.labels(topic).set(lag)
            if now - reported_at > _REPORT_S:
                reported_at = now
                await reader.publish_positions({place: inbox.applied[place[0]] for place, inbox in places.items()})
