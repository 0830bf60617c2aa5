"""A support floor: one workspace of a running router, fed with the events that intake and escalation send."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import httpx

from shared.events.catalog import TOPIC_OF
from shared.events.codec import encode
from shared.events.contract import Contract
from shared.events.envelope import Cause, new_event
from shared.events.escalations import EscalationRaisedV2, RaisePriority, Requeue
from shared.events.tickets import (
    CustomerFacts,
    TicketFacts,
    TicketMergedV1,
    TicketOpenedV1,
    TicketStatusChangedV1,
)
from shared.kafka.client import Outgoing, Producer
from shared.vocabulary import ActorKind, ChannelKind, Priority, TicketStatus
from tests.eventually import eventually
from tests.shards import shard_of
from tests.system import System

NAMES = UUID("01890000-0000-7000-8000-000000000000")
CONFIGURATION: dict[str, Any] = {
    "skills": ["german", "billing"],
    "queues": [
        {"id": "general", "offer_timeout": "60s"},
        {"id": "billing", "offer_timeout": "60s"},
    ],
    "agents": [
        {"id": "ann", "queues": ["general"], "skills": {"german": 4}},
        {"id": "bob", "queues": ["general", "billing"], "skills": {"billing": 3}},
        {"id": "eve", "queues": ["general"], "support_tier": 2},
    ],
    "policy": {
        "rules": [
            {
                "id": "bills",
                "when": 'has(ticket.labels.product) && ticket.labels.product == "bill"',
                "queue": "billing",
                "skills": {"billing": 3},
            },
            {"id": "german", "when": 'ticket.language == "de"', "queue": "general", "skills": {"german": 3}},
        ],
        "default": {"queue": "general", "tier_mode": "exact"},
    },
}


@dataclass
class Floor:
    """One workspace."""

    system: System
    producer: Producer
    workspace_id: str
    http: httpx.AsyncClient
    sequences: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def open(cls, system: System, producer: Producer, workspace_id: str) -> "Floor":
        """A configured workspace with everybody available but Eve's tier waiting above."""
        floor = cls(system, producer, workspace_id, await system.http("router", workspace_id))
        answer = await floor.http.put("/v1/configuration", json=CONFIGURATION, headers={"If-Match": '"0"'})
        assert answer.status_code == 200, answer.text
        return floor

    def ticket_id(self, name: str) -> UUID:
        return uuid5(NAMES, f"{self.workspace_id}/{name}")

    async def tell(self, data: Contract, *, sequence: int | None = None) -> None:
        """Publishes an event as its writer would, with its subject's next sequence."""
        topic = TOPIC_OF[type(data)]
        number = sequence or self.sequences.get(data.subject, 0) + 1
        self.sequences[data.subject] = max(number, self.sequences.get(data.subject, 0))
        event = new_event(
            data,
            event_id=uuid5(NAMES, f"{self.workspace_id}/{data.subject}/{number}"),
            service=topic.writer,
            workspace_id=self.workspace_id,
            sequence=number,
            time=datetime.now(UTC),
            cause=Cause(),
        )
        headers = [("subject", event.subject.encode()), ("sequence", str(number).encode())]
        record = Outgoing(key=self.workspace_id.encode(), value=encode(event), headers=headers)
        await self.producer.publish(topic.name, shard_of(self.workspace_id), [record])

    async def open_ticket(self, name: str, *, language: str = "en", labels: dict[str, str] | None = None) -> UUID:
        ticket_id = self.ticket_id(name)
        await self.tell(
            TicketOpenedV1(
                ticket_id=ticket_id,
                ticket_number=1,
                facts=TicketFacts(
                    channel="mail",
                    channel_kind=ChannelKind.EMAIL,
                    customer=CustomerFacts(customer_id=uuid5(NAMES, "customer"), tier="standard"),
                    labels=labels or {},
                    priority=Priority.NORMAL,
                    language=language,
                ),
                opened_by=ActorKind.CUSTOMER,
                received_at=datetime.now(UTC),
            )
        )
        return ticket_id

    async def set_status(self, name: str, previous: TicketStatus, status: TicketStatus) -> None:
        await self.tell(
            TicketStatusChangedV1(
                ticket_id=self.ticket_id(name),
                previous=previous,
                status=status,
                cause="set",
                actor_kind=ActorKind.AGENT,
            )
        )

    async def merge(self, name: str, into: str) -> None:
        await self.tell(
            TicketMergedV1(
                ticket_id=self.ticket_id(name),
                target_ticket_id=self.ticket_id(into),
                previous=TicketStatus.OPEN,
                actor_kind=ActorKind.AGENT,
            )
        )

    async def escalate(self, name: str, *, action: RaisePriority | None = None, **wanted: Any) -> None:
        """Each is another escalation of the ticket. wanted: where the work moves, without another action."""
        number = sum(subject.startswith("escalation/") for subject in self.sequences)
        await self.tell(
            EscalationRaisedV2(
                escalation_id=uuid5(NAMES, f"escalation/{name}/{number}"),
                ticket_id=self.ticket_id(name),
                policy="late",
                policy_version=1,
                level=1,
                step=1,
                trigger="sla.breached",
                metric=None,
                action=action or Requeue(**wanted),
            )
        )

    async def set_state(self, agent_id: str, state: str = "available") -> None:
        answer = await self.http.put(f"/v1/agents/{agent_id}/state", json={"state": state})
        assert answer.status_code == 200, answer.text

    async def offers(self, agent_id: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/v1/agents/{agent_id}/offers")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def work(self, agent_id: str) -> list[dict[str, Any]]:
        return list((await self.http.get(f"/v1/agents/{agent_id}/work")).json()["items"])

    async def offered(self, agent_id: str, name: str) -> dict[str, Any]:
        """The agent's offer of a ticket, once it is there."""

        async def probe() -> dict[str, Any] | None:
            wanted = str(self.ticket_id(name))
            return next((offer for offer in await self.offers(agent_id) if offer["ticket_id"] == wanted), None)

        found = await eventually(probe, what=f"{name} offered to {agent_id}")
        assert found is not None
        return found

    async def accept(self, agent_id: str, name: str) -> dict[str, Any]:
        """The agent takes a ticket that is offered to them."""
        offer = await self.offered(agent_id, name)
        answer = await self.http.post(f"/v1/offers/{offer['offer_id']}/accept")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def decisions(self, name: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/v1/tickets/{self.ticket_id(name)}/decisions")
        assert answer.status_code != 404, "not known yet"
        answer.raise_for_status()
        return list(answer.json()["items"])


def words(decisions: Sequence[dict[str, Any]]) -> list[str]:
    """What decisions say."""
    return [decision["words"] for decision in decisions]
