"""Writes histories of tickets, work items, clocks and agents, as the services that own them would."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.events.catalog import TOPIC_OF
from shared.events.codec import encode
from shared.events.contract import Contract
from shared.events.envelope import Cause, Event, new_event
from shared.events.escalations import SlaBreachedV1, SlaBreachWithdrawnV1, SlaClockStoppedV1, SlaMetV1
from shared.events.routing import (
    AgentStateChangedV1,
    AgentUpdatedV1,
    WorkAssignedV1,
    WorkCancelledV1,
    WorkCompletedV1,
    WorkQueuedV1,
    WorkRequeuedV1,
)
from shared.events.tickets import (
    CallEndedV1,
    CustomerFacts,
    MessageReceivedV1,
    ReplySentV1,
    TicketFacts,
    TicketMergedV1,
    TicketOpenedV1,
    TicketRatedV1,
    TicketStatusChangedV1,
    TicketUpdatedV1,
)
from shared.kafka.client import Outgoing, Producer
from shared.vocabulary import (
    ActorKind,
    AgentActivity,
    AgentState,
    AssignmentMode,
    AuthorKind,
    CallOutcome,
    ChannelKind,
    MachineClass,
    Priority,
    Purpose,
    SlaMetric,
    SurveyKind,
    TicketStatus,
    WorkState,
)
from tests.shards import shard_of


def uid(name: str) -> UUID:
    """The id of a named thing; the same name gives the same id."""
    return uuid5(NAMESPACE_URL, name)


def facts(channel: str = "email", labels: dict[str, str] | None = None) -> TicketFacts:
    return TicketFacts(
        channel=channel,
        channel_kind=ChannelKind.EMAIL,
        customer=CustomerFacts(customer_id=uid("customer"), tier="standard"),
        labels=labels or {},
        priority=Priority.NORMAL,
    )


@dataclass
class Scribe:
    """One workspace's history. Each method tells one fact; `at` is when it happened."""

    workspace_id: str
    events: list[Event] = field(default_factory=list)
    sequences: Counter[str] = field(default_factory=Counter)
    queued_at: dict[str, datetime] = field(default_factory=dict)

    def tell(self, data: Contract, at: datetime) -> Event:
        self.sequences[data.subject] += 1
        number = self.sequences[data.subject]
        event = new_event(
            data,
            event_id=uid(f"{self.workspace_id}/{data.subject}/{number}"),
            service=TOPIC_OF[type(data)].writer,
            workspace_id=self.workspace_id,
            sequence=number,
            time=at,
            cause=Cause(),
        )
        self.events.append(event)
        return event

    # --- tickets --------------------------------------------------------------------------------------------

    def opened(
        self,
        ticket: str,
        at: datetime,
        *,
        channel: str = "email",
        by: ActorKind = ActorKind.CUSTOMER,
        labels: dict[str, str] | None = None,
    ) -> Event:
        """A ticket, with its first message where a customer opens it."""
        event = self.tell(
            TicketOpenedV1(
                ticket_id=uid(ticket),
                ticket_number=1,
                facts=facts(channel, labels),
                opened_by=by,
                received_at=at,
            ),
            at,
        )
        if by is ActorKind.CUSTOMER:
            self.asked(ticket, at)
        return event

    def asked(
        self, ticket: str, at: datetime, *, machine: MachineClass = MachineClass.NONE, is_public: bool = True
    ) -> Event:
        return self.tell(
            MessageReceivedV1(
                ticket_id=uid(ticket),
                message_id=uid(f"{ticket}/{len(self.events)}"),
                channel="email",
                channel_kind=ChannelKind.EMAIL,
                machine=machine,
                is_public=is_public,
                received_at=at,
            ),
            at,
        )

    def replied(
        self,
        ticket: str,
        at: datetime,
        *,
        agent: str | None = "ada",
        kind: AuthorKind = AuthorKind.AGENT,
        purpose: Purpose = Purpose.REPLY,
    ) -> Event:
        return self.tell(
            ReplySentV1(
                ticket_id=uid(ticket),
                message_id=uid(f"{ticket}/{len(self.events)}"),
                channel="email",
                channel_kind=ChannelKind.EMAIL,
                author_kind=kind,
                author_id=agent,
                purpose=purpose,
            ),
            at,
        )

    def went(
        self,
        ticket: str,
        at: datetime,
        previous: TicketStatus,
        status: TicketStatus,
        *,
        agent: str | None = "ada",
        cause: str = "set",
    ) -> Event:
        return self.tell(
            TicketStatusChangedV1(
                ticket_id=uid(ticket),
                previous=previous,
                status=status,
                cause=cause,
                actor_kind=ActorKind.AGENT if agent else ActorKind.CUSTOMER,
                actor_id=agent,
            ),
            at,
        )

    def updated(
        self, ticket: str, at: datetime, *, channel: str = "email", labels: dict[str, str] | None = None
    ) -> Event:
        data = TicketUpdatedV1(
            ticket_id=uid(ticket),
            facts=facts(channel, labels),
            changed=("labels",),
            actor_kind=ActorKind.SYSTEM,
        )
        return self.tell(data, at)

    def merged(self, ticket: str, at: datetime, into: str) -> Event:
        return self.tell(
            TicketMergedV1(
                ticket_id=uid(ticket),
                target_ticket_id=uid(into),
                previous=TicketStatus.OPEN,
                actor_kind=ActorKind.AGENT,
                actor_id="ada",
            ),
            at,
        )

    def call_ended(self, ticket: str, at: datetime, *, call: str = "call", revision: int = 1) -> Event:
        data = CallEndedV1(
            ticket_id=uid(ticket),
            call_id=uid(call),
            revision=revision,
            channel="hotline",
            outcome=CallOutcome.ANSWERED,
            agent_id="ada",
            transfers=0,
            ivr_s=0,
            queue_s=10,
            ring_s=5,
            talk_s=60,
            hold_s=0,
            wrap_s=0,
            started_at=at - timedelta(seconds=75),
            answered_at=at - timedelta(seconds=60),
            ended_at=at,
        )
        return self.tell(data, at)

    def rated(
        self,
        ticket: str,
        at: datetime,
        score: int,
        *,
        kind: SurveyKind = SurveyKind.CSAT,
        scale: int = 5,
        agent: str | None = "ada",
        revision: int = 1,
    ) -> Event:
        data = TicketRatedV1(
            ticket_id=uid(ticket), kind=kind, score=score, scale=scale, agent_id=agent, revision=revision
        )
        return self.tell(data, at)

    # --- routing --------------------------------------------------------------------------------------------

    def queued(
        self, ticket: str, at: datetime, *, queue: str = "billing", tier: int = 1, work: str | None = None
    ) -> Event:
        name = work or f"{ticket}/work"
        self.queued_at[name] = at
        return self.tell(
            WorkQueuedV1(
                work_id=uid(name),
                ticket_id=uid(ticket),
                queue=queue,
                support_tier=tier,
                priority=Priority.NORMAL,
                channel="email",
                channel_kind=ChannelKind.EMAIL,
                skills=(),
                rule="default",
                policy_version=1,
            ),
            at,
        )

    def assigned(
        self,
        ticket: str,
        at: datetime,
        *,
        agent: str = "ada",
        queue: str = "billing",
        tier: int = 1,
        work: str | None = None,
    ) -> Event:
        name = work or f"{ticket}/work"
        return self.tell(
            WorkAssignedV1(
                work_id=uid(name),
                ticket_id=uid(ticket),
                agent_id=agent,
                offer_id=None,
                mode=AssignmentMode.AUTO,
                queue=queue,
                support_tier=tier,
                priority=Priority.NORMAL,
                channel="email",
                epoch=1,
                queued_at=self.queued_at.get(name, at),
            ),
            at,
        )

    def requeued(
        self,
        ticket: str,
        at: datetime,
        *,
        previous: WorkState = WorkState.ASSIGNED,
        previous_queue: str = "billing",
        queue: str = "billing",
        tier: int = 1,
        work: str | None = None,
    ) -> Event:
        return self.tell(
            WorkRequeuedV1(
                work_id=uid(work or f"{ticket}/work"),
                ticket_id=uid(ticket),
                previous=previous,
                previous_queue=previous_queue,
                previous_agent_id=None,
                queue=queue,
                support_tier=tier,
                priority=Priority.NORMAL,
                skills=(),
                reason="transfer",
            ),
            at,
        )

    def completed(
        self, ticket: str, at: datetime, *, agent: str = "ada", queue: str = "billing", work: str | None = None
    ) -> Event:
        return self.tell(
            WorkCompletedV1(
                work_id=uid(work or f"{ticket}/work"),
                ticket_id=uid(ticket),
                agent_id=agent,
                queue=queue,
                support_tier=1,
                channel="email",
                accepted_at=at,
                wrapping_at=at,
                completed_at=at,
            ),
            at,
        )

    def cancelled(self, ticket: str, at: datetime, *, queue: str = "billing", work: str | None = None) -> Event:
        return self.tell(
            WorkCancelledV1(
                work_id=uid(work or f"{ticket}/work"),
                ticket_id=uid(ticket),
                previous=WorkState.QUEUED,
                queue=queue,
                agent_id=None,
                reason="closed",
            ),
            at,
        )

    def agent(
        self,
        agent_id: str,
        at: datetime,
        *,
        queues: Sequence[str] = ("billing",),
        tier: int = 1,
        removed: bool = False,
    ) -> Event:
        return self.tell(
            AgentUpdatedV1(
                agent_id=agent_id,
                support_tier=tier,
                teams=(),
                queues=tuple(queues),
                skills=(),
                capacity=100,
                is_removed=removed,
            ),
            at,
        )

    def state(
        self,
        agent_id: str,
        at: datetime,
        state: AgentState = AgentState.AVAILABLE,
        activity: AgentActivity = AgentActivity.IDLE,
        *,
        is_on_duty: bool | None = None,
    ) -> Event:
        return self.tell(
            AgentStateChangedV1(
                agent_id=agent_id,
                state=state,
                activity=activity,
                reason=None,
                load=0,
                capacity=100,
                items={},
                cause="agent",
                is_on_duty=is_on_duty,
            ),
            at,
        )

    # --- escalations ----------------------------------------------------------------------------------------

    def met(
        self,
        ticket: str,
        at: datetime,
        *,
        metric: SlaMetric = SlaMetric.FIRST_REPLY,
        elapsed_s: float = 60,
        generation: int = 1,
    ) -> Event:
        return self.tell(
            SlaMetV1(
                clock_id=uid(f"{ticket}/{metric}"),
                ticket_id=uid(ticket),
                metric=metric,
                generation=generation,
                policy="standard",
                target_s=3600,
                elapsed_s=elapsed_s,
                elapsed_wall_s=elapsed_s,
            ),
            at,
        )

    def breached(
        self,
        ticket: str,
        due_at: datetime,
        *,
        metric: SlaMetric = SlaMetric.FIRST_REPLY,
        queue: str | None = "billing",
        agent: str | None = None,
        generation: int = 1,
        late: timedelta = timedelta(milliseconds=5),
    ) -> Event:
        return self.tell(
            SlaBreachedV1(
                clock_id=uid(f"{ticket}/{metric}"),
                ticket_id=uid(ticket),
                metric=metric,
                generation=generation,
                policy="standard",
                policy_version=1,
                target_s=3600,
                elapsed_s=3600,
                due_at=due_at,
                fired_at=due_at + late,
                is_provisional=False,
                queue=queue,
                agent_id=agent,
                cause="time",
            ),
            due_at + late,
        )

    def withdrawn(
        self, ticket: str, at: datetime, breach: Event, *, metric: SlaMetric = SlaMetric.FIRST_REPLY
    ) -> Event:
        return self.tell(
            SlaBreachWithdrawnV1(
                clock_id=uid(f"{ticket}/{metric}"),
                ticket_id=uid(ticket),
                metric=metric,
                generation=1,
                breach_event_id=breach.id,
            ),
            at,
        )

    def stopped_late(self, ticket: str, at: datetime, *, metric: SlaMetric = SlaMetric.FIRST_REPLY) -> Event:
        return self.tell(
            SlaClockStoppedV1(
                clock_id=uid(f"{ticket}/{metric}"),
                ticket_id=uid(ticket),
                metric=metric,
                generation=1,
                outcome="late",
                cause="replied",
                elapsed_s=4000,
                elapsed_wall_s=4000,
                overdue_s=400,
            ),
            at,
        )


async def publish(producer: Producer, events: Sequence[Event]) -> None:
    """Puts events on their topics, in this order within each."""
    batches: dict[tuple[str, int], list[Outgoing]] = {}
    for event in events:
        assert isinstance(event.data, Contract)
        place = TOPIC_OF[type(event.data)].name, shard_of(event.workspace_id)
        batches.setdefault(place, []).append(
            Outgoing(
                key=event.workspace_id.encode(),
                value=encode(event),
                headers=[("subject", event.subject.encode()), ("sequence", str(event.sequence).encode())],
            )
        )
    for (topic, partition), batch in batches.items():
        await producer.publish(topic, partition, batch)
