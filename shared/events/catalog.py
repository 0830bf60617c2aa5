"""The registry: which topic carries which contracts, who writes it, who reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from zlib import crc32

from shared.events import access, escalations, kpis, routing, tickets
from shared.events.contract import Contract

SHARDS = 12
"""Shards of a new installation, and partitions of each topic. Fixed when an installation first starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic. Its wire name is `{prefix}.{name}`; the prefix is a setting."""

    name: str
    writer: str
    readers: tuple[str, ...]
    retention: timedelta
    contracts: tuple[type[Contract], ...]


TICKETS = Topic(
    name="tickets",
    writer="intake",
    readers=("router", "escalation", "metrics"),
    retention=timedelta(days=30),
    contracts=tickets.CONTRACTS,
)
ROUTING = Topic(
    name="routing",
    writer="router",
    readers=("intake", "escalation", "metrics"),
    retention=timedelta(days=30),
    contracts=routing.CONTRACTS,
)
ESCALATIONS = Topic(
    name="escalations",
    writer="escalation",
    readers=("intake", "router", "metrics"),
    retention=timedelta(days=30),
    contracts=escalations.CONTRACTS,
)
KPIS = Topic(
    name="kpis",
    writer="metrics",
    readers=("escalation",),
    retention=timedelta(days=1),
    contracts=kpis.CONTRACTS,
)
ACCESS = Topic(
    name="access",
    writer="intake",
    readers=("router", "escalation", "metrics"),
    retention=timedelta(days=400),
    contracts=access.CONTRACTS,
)

TOPICS: Mapping[str, Topic] = MappingProxyType(
    {topic.name: topic for topic in (TICKETS, ROUTING, ESCALATIONS, KPIS, ACCESS)}
)
CONTRACTS: Mapping[str, type[Contract]] = MappingProxyType(
    {contract.wire_type(): contract for topic in TOPICS.values() for contract in topic.contracts}
)
TOPIC_OF: Mapping[type[Contract], Topic] = MappingProxyType(
    {contract: topic for topic in TOPICS.values() for contract in topic.contracts}
)


def topics_read_by(service: str) -> tuple[Topic, ...]:
    """The topics that a service consumes."""
    return tuple(topic for topic in TOPICS.values() if service in topic.readers)


def shard_of(workspace_id: str, shards: int = SHARDS) -> int:
    """The shard, and so the partition in every topic, of a workspace: 0 <= shard < shards."""
    return crc32(workspace_id.encode()) % shards
