"""From contracts to stories: what each event says about a ticket or an agent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never, cast, get_args

from services.metrics.app.soundness import require_sound
from services.metrics.domain import clock_story, ticket_story, work_story
from services.metrics.domain.agent import TrackedAgent
from services.metrics.domain.clock_story import ClockStory, Verdict
from services.metrics.domain.fact import MILLION
from services.metrics.domain.ticket_story import Moment, Rating, TicketStory, excludes
from services.metrics.domain.tracked import TrackedTicket
from services.metrics.domain.work_story import Stand, WorkStory
from shared.errors import IllegalTransition
from shared.events.envelope import Event
from shared.events.escalations import (
    SlaBreachedV1,
    SlaBreachWithdrawnV1,
    SlaClockSnapshotV1,
    SlaMetV1,
)
from shared.events.routing import (
    AgentSnapshotV1,
    AgentStateChangedV1,
    AgentUpdatedV1,
    WorkAssignedV1,
    WorkCancelledV1,
    WorkCompletedV1,
    WorkQueuedV1,
    WorkRequeuedV1,
    WorkSnapshotV1,
)
from shared.events.tickets import (
    MessageReceivedV1,
    ReplySentV1,
    TicketMergedV1,
    TicketOpenedV1,
    TicketRatedV1,
    TicketSnapshotV1,
    TicketStatusChangedV1,
    TicketUpdatedV1,
)
from shared.vocabulary import (
    ActorKind,
    Agreement,
    AuthorKind,
    ClockState,
    MachineClass,
    Purpose,
    TicketStatus,
    WorkState,
)

TicketEvent = (
    TicketOpenedV1
    | MessageReceivedV1
    | ReplySentV1
    | TicketUpdatedV1
    | TicketStatusChangedV1
    | TicketMergedV1
    | TicketRatedV1
    | TicketSnapshotV1
)
WorkEvent = WorkQueuedV1 | WorkAssignedV1 | WorkRequeuedV1 | WorkCompletedV1 | WorkCancelledV1 | WorkSnapshotV1
ClockEvent = SlaMetV1 | SlaBreachedV1 | SlaBreachWithdrawnV1 | SlaClockSnapshotV1
AgentEvent = AgentUpdatedV1 | AgentStateChangedV1 | AgentSnapshotV1

AboutTicket = TicketEvent | WorkEvent | ClockEvent
"""The events that a number follows from. All others advance their subject and say nothing here."""


def observed(ticket: TrackedTicket, event: Event, data: AboutTicket) -> TrackedTicket:
    """The ticket after one more event.

    Raises IllegalTransition for one that cannot come first, InvalidInput for one that cannot be.
    """
    require_sound(event)
    if isinstance(data, TicketEvent):
        return replace(ticket, story=_ticket(ticket.story, event, data))
    if isinstance(data, WorkEvent):
        story = ticket.works.get(data.work_id, WorkStory())
        return replace(ticket, works={**ticket.works, data.work_id: _work(story, event, data)})
    if data.agreement is Agreement.OLA:
        # What teams promise one another is no promise to a customer: attainment does not count it.
        return ticket
    clock = ticket.clocks.get(data.clock_id, ClockStory(metric=data.metric))
    return replace(ticket, clocks={**ticket.clocks, data.clock_id: _clock(clock, event, data)})


def _ticket(story: TicketStory | None, event: Event, data: TicketEvent) -> TicketStory:
    if isinstance(data, TicketOpenedV1):
        return TicketStory(
            opened=Moment(at=event.time, event_id=event.id),
            channel=data.facts.channel,
            status=TicketStatus.NEW,
            is_excluded=excludes(data.facts.labels),
        )
    if isinstance(data, TicketSnapshotV1):
        return ticket_story.baseline(
            story,
            moment=Moment(at=event.time, event_id=event.id),
            channel=data.facts.channel,
            labels=data.facts.labels,
            status=data.status,
            opened_at=data.opened_at,
            is_opened_by_customer=data.opened_by is ActorKind.CUSTOMER,
            first_replied_at=data.first_replied_at,
            solved_at=data.solved_at,
            is_merged=data.merged_into is not None,
        )
    if story is None:
        raise IllegalTransition(f"{data.name} before ticket.opened")
    match data:
        case MessageReceivedV1():
            is_question = data.machine is MachineClass.NONE and data.is_public
            return ticket_story.asked(story, event.time) if is_question else story
        case ReplySentV1():
            is_answer = data.author_kind is AuthorKind.AGENT and data.purpose is Purpose.REPLY
            reply = Moment(at=event.time, event_id=event.id, agent_id=data.author_id)
            return ticket_story.answered(story, reply) if is_answer else story
        case TicketUpdatedV1():
            return ticket_story.updated(story, data.facts.channel, data.facts.labels)
        case TicketStatusChangedV1():
            agent_id = data.actor_id if data.actor_kind is ActorKind.AGENT else None
            return ticket_story.went(
                story, data.status, Moment(at=event.time, event_id=event.id, agent_id=agent_id)
            )
        case TicketMergedV1():
            return ticket_story.merged(story)
        case TicketRatedV1():
            moment = Moment(at=event.time, event_id=event.id, agent_id=data.agent_id)
            rating = Rating(
                moment=moment, kind=data.kind, score=data.score, scale=data.scale, revision=data.revision
            )
            return ticket_story.rated(story, rating)
        case _:
            assert_never(data)


def _work(story: WorkStory, event: Event, data: WorkEvent) -> WorkStory:
    match data:
        case WorkQueuedV1():
            return work_story.stood(story, _stand(event, data, is_waiting=True))
        case WorkAssignedV1():
            return work_story.stood(story, _stand(event, data, agent_id=data.agent_id))
        case WorkRequeuedV1():
            last = story.stands[-1] if story.stands else None
            is_new_stint = (
                data.previous in (WorkState.ASSIGNED, WorkState.WRAPPING)
                or data.previous_queue != data.queue
                or (last is not None and last.support_tier != data.support_tier)
            )
            return work_story.requeued(story, _stand(event, data), is_new_stint=is_new_stint)
        case WorkCompletedV1() | WorkCancelledV1():
            return work_story.ended(story, event.time, event.id, data.queue)
        case WorkSnapshotV1():
            return _work_baseline(story, event, data)
        case _:
            assert_never(data)


def _stand(
    event: Event,
    data: WorkQueuedV1 | WorkAssignedV1 | WorkRequeuedV1,
    *,
    agent_id: str | None = None,
    is_waiting: bool = False,
) -> Stand:
    return Stand(
        at=event.time,
        event_id=event.id,
        queue=data.queue,
        support_tier=data.support_tier,
        agent_id=agent_id,
        waiting_since=event.time if is_waiting else None,
    )


def _work_baseline(story: WorkStory, event: Event, data: WorkSnapshotV1) -> WorkStory:
    is_waiting = data.state in (WorkState.QUEUED, WorkState.OFFERED)
    queued = Stand(
        at=data.queued_at,
        event_id=event.id,
        queue=data.queue,
        support_tier=data.support_tier,
        waiting_since=data.queued_at if is_waiting else None,
    )
    if is_waiting:
        return work_story.baseline(story, queued, None)
    has_agent = data.state in (WorkState.ASSIGNED, WorkState.WRAPPING)
    then = replace(
        queued,
        at=data.assigned_at if has_agent and data.assigned_at else event.time,
        agent_id=data.agent_id if has_agent else None,
    )
    return work_story.baseline(story, queued, then)


def _clock(story: ClockStory, event: Event, data: ClockEvent) -> ClockStory:
    match data:
        case SlaMetV1():
            verdict = Verdict(
                is_met=True,
                at=event.time,
                event_id=event.id,
                value=_value(data.elapsed_wall_s),
                business_value=_value(data.elapsed_s),
            )
        case SlaBreachedV1():
            verdict = Verdict(
                is_met=False,
                at=data.due_at,
                event_id=event.id,
                value=_value(data.elapsed_s),
                business_value=_value(data.elapsed_s),
                queue=data.queue,
                agent_id=data.agent_id,
            )
        case SlaBreachWithdrawnV1():
            return clock_story.withdrawn(story, data.breach_event_id)
        case SlaClockSnapshotV1():
            if data.state not in (ClockState.MET, ClockState.BREACHED) or data.generation in story.verdicts:
                return story
            is_met = data.state is ClockState.MET
            verdict = Verdict(
                is_met=is_met,
                at=event.time if is_met or data.due_at is None else data.due_at,
                event_id=event.id,
                value=_value(data.elapsed_s),
                business_value=_value(data.elapsed_s),
            )
        case _:
            assert_never(data)
    return clock_story.judged(story, data.generation, verdict)


def agent_after(agent: TrackedAgent, event: Event, data: AgentEvent) -> TrackedAgent:
    """The agent after one more event. Raises InvalidInput for one that cannot be."""
    require_sound(event)
    match data:
        case AgentUpdatedV1():
            return replace(agent, queues=data.queues, support_tier=data.support_tier, is_removed=data.is_removed)
        case AgentStateChangedV1():
            return _present(agent, event, data)
        case AgentSnapshotV1():
            profiled = _profiled(agent, data.profile)
            return _present(profiled, event, data.presence)
        case _:
            assert_never(data)


def _profiled(agent: TrackedAgent, data: AgentUpdatedV1) -> TrackedAgent:
    return replace(agent, queues=data.queues, support_tier=data.support_tier, is_removed=data.is_removed)


def _present(agent: TrackedAgent, event: Event, data: AgentStateChangedV1) -> TrackedAgent:
    is_on_duty = data.is_on_duty is not False
    now, before = (data.state, data.activity, is_on_duty), (agent.state, agent.activity, agent.is_on_duty)
    since = event.time if now != before or agent.since is None else agent.since
    return replace(agent, state=data.state, activity=data.activity, is_on_duty=is_on_duty, since=since)


def _value(seconds: float) -> int:
    return max(0, round(seconds * MILLION))


_ABOUT_TICKET = frozenset(get_args(AboutTicket))
_ABOUT_AGENT = frozenset(get_args(AgentEvent))


def tickets_of(events: Sequence[Event]) -> list[tuple[Event, AboutTicket]]:
    """The events among these that a ticket's numbers follow from."""
    # By exact type: asking a model's metaclass about a union of many is what a batch would spend its time on.
    return [(event, cast("AboutTicket", event.data)) for event in events if type(event.data) in _ABOUT_TICKET]


def agents_of(events: Sequence[Event]) -> list[tuple[Event, AgentEvent]]:
    """The events among these that tell about agents."""
    return [(event, cast("AgentEvent", event.data)) for event in events if type(event.data) in _ABOUT_AGENT]
