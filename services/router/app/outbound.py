"""Turns what the engine decided into the contracts of topic `routing`.

What somebody typed may be about people, and does not leave the record.
"""

import re

from services.router.domain import decision as d
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.partner import queue_of_partner
from services.router.domain.policy import Requirements
from services.router.domain.state import RoutingState
from services.router.domain.work_item import OfferState, WorkItem
from shared.calendar import WEEKDAYS, Calendar, format_hours
from shared.events.contract import Contract
from shared.events.routing import (
    Absence,
    AgentStateChangedV1,
    AgentUpdatedV1,
    OfferDeclinedV1,
    OfferExpiredV1,
    OfferRevokedV1,
    SkillLevel,
    WeeklyHours,
    WorkAssignedV1,
    WorkCancelledV1,
    WorkCompletedV1,
    WorkOfferedV1,
    WorkQueuedV1,
    WorkRequeuedV1,
    WorkSnapshotV1,
)
from shared.vocabulary import WorkState

Told = (
    d.WorkQueued
    | d.WorkOffered
    | d.WorkAssigned
    | d.OfferEnded
    | d.WorkRequeued
    | d.WorkCompleted
    | d.WorkCancelled
)


def work_contract(state: RoutingState, made: d.Decision, epoch: int) -> Contract | None:
    """What the world is told of a decision about work, directly after it was done; None where nothing."""
    work_id = getattr(made, "work_id", None)
    if work_id is None:
        return None
    return _contract(made, state.touched.items[work_id], epoch)


def _contract(made: d.Decision, item: WorkItem, epoch: int) -> Contract | None:
    ids = {"work_id": item.work_id, "ticket_id": item.ticket_id}
    now = item.requirements
    match made:
        case d.WorkQueued():
            return WorkQueuedV1(
                **ids,
                queue=now.queue,
                support_tier=now.support_tier,
                priority=item.priority,
                channel=item.channel,
                channel_kind=item.channel_kind,
                skills=_skills(now),
                rule=item.rule,
                policy_version=item.policy_version,
                preferred_agent_id=item.preferred_agent_id,
            )
        case d.WorkOffered():
            return WorkOfferedV1(
                **ids,
                offer_id=made.offer_id,
                agent_id=made.agent_id,
                queue=now.queue,
                support_tier=now.support_tier,
                expires_at=made.expires_at,
            )
        case d.WorkAssigned():
            return WorkAssignedV1(
                **ids,
                agent_id=made.agent_id,
                offer_id=made.offer_id,
                mode=made.mode,
                queue=now.queue,
                support_tier=now.support_tier,
                priority=item.priority,
                channel=item.channel,
                epoch=epoch,
                queued_at=item.stint_at,
            )
        case d.OfferEnded():
            return _offer_contract(made, item)
        case d.WorkRequeued():
            return _requeued(item, made.previous, made.previous_queue, made.previous_agent_id, made.reason)
        case d.StepOpened() if now.queue != made.previous_queue:
            return _requeued(item, item.state, made.previous_queue, None, "step")
        case d.PriorityChanged() if item.state in (WorkState.QUEUED, WorkState.OFFERED):
            return _requeued(item, item.state, now.queue, None, made.reason)
        case d.WorkCompleted():
            assert item.agent_id is not None, "somebody completed it"
            assert item.assigned_at is not None
            assert item.wrapping_at is not None
            assert item.ended_at is not None
            return WorkCompletedV1(
                **ids,
                agent_id=item.agent_id,
                queue=now.queue,
                support_tier=now.support_tier,
                channel=item.channel,
                accepted_at=item.assigned_at,
                wrapping_at=item.wrapping_at,
                completed_at=item.ended_at,
            )
        case d.WorkCancelled():
            return WorkCancelledV1(
                **ids, previous=made.previous, queue=now.queue, agent_id=item.agent_id, reason=made.reason
            )
        case _:
            return None


def _offer_contract(made: d.OfferEnded, item: WorkItem) -> Contract:
    ids = {"work_id": item.work_id, "ticket_id": item.ticket_id, "offer_id": made.offer_id}
    match made.state:
        case OfferState.DECLINED:
            # Why is in words, and those are of this ticket's customer as likely as not.
            is_partner = queue_of_partner(made.agent_id) is not None
            reason = "partner_declined" if is_partner else "declined"
            return OfferDeclinedV1(**ids, agent_id=made.agent_id, reason=reason)
        case OfferState.EXPIRED:
            return OfferExpiredV1(**ids, agent_id=made.agent_id)
        case _:
            return OfferRevokedV1(**ids, agent_id=made.agent_id, reason=made.reason)


def _requeued(
    item: WorkItem, previous: WorkState, previous_queue: str, previous_agent_id: str | None, reason: str
) -> WorkRequeuedV1:
    now = item.requirements
    return WorkRequeuedV1(
        work_id=item.work_id,
        ticket_id=item.ticket_id,
        previous=previous,
        previous_queue=previous_queue,
        previous_agent_id=previous_agent_id,
        queue=now.queue,
        support_tier=now.support_tier,
        priority=item.priority,
        skills=_skills(now),
        reason=reason,
    )


def profile_contract(profile: AgentProfile, *, is_removed: bool) -> AgentUpdatedV1:
    """What an agent can do."""
    return AgentUpdatedV1(
        agent_id=profile.agent_id,
        support_tier=profile.support_tier,
        teams=tuple(sorted(profile.teams)),
        queues=() if is_removed else tuple(sorted(profile.queues)),
        skills=tuple(SkillLevel(skill=skill, level=level) for skill, level in sorted(profile.skills.items())),
        capacity=profile.capacity,
        is_removed=is_removed,
        shifts=_week(profile.duty.shifts) if profile.duty.shifts else None,
        time_off=tuple(
            Absence(starts_at=absence.starts_at, ends_at=absence.ends_at) for absence in profile.duty.time_off
        ),
    )


def _week(calendar: Calendar) -> WeeklyHours:
    """The weekly hours of a calendar, without what single dates have otherwise."""
    return WeeklyHours(
        time_zone=calendar.time_zone,
        weekly={
            name: tuple(format_hours(hours) for hours in calendar.weekly[day])
            for day, name in enumerate(WEEKDAYS)
            if calendar.weekly.get(day)
        },
    )


def state_contract(agent: Agent, cause: str) -> AgentStateChangedV1:
    """What an agent is and has in hand."""
    return AgentStateChangedV1(
        agent_id=agent.agent_id,
        state=agent.state,
        activity=agent.activity,
        reason=_told_reason(agent),
        load=agent.used,
        capacity=agent.profile.capacity,
        items={kind: count for kind, count in agent.items.items() if count},
        cause=cause,
        is_on_duty=agent.is_on_duty,
    )


def presence(agent: Agent) -> tuple[object, ...]:
    """What the world is told again only when it has changed."""
    items = tuple(sorted((kind, count) for kind, count in agent.items.items() if count))
    occupation = agent.activity, agent.used, agent.profile.capacity, items
    return agent.state, _told_reason(agent), agent.is_on_duty, *occupation


_WORD = re.compile(r"[a-z0-9_-]{1,40}")


def _told_reason(agent: Agent) -> str | None:
    """Why the agent is what they are, where that is a word such as `lunch` or `offer_expired`, and no text."""
    return agent.reason if agent.reason and _WORD.fullmatch(agent.reason) else None


def work_snapshot(item: WorkItem) -> WorkSnapshotV1:
    """A live work item as it stands."""
    now = item.requirements
    return WorkSnapshotV1(
        work_id=item.work_id,
        ticket_id=item.ticket_id,
        state=item.state,
        queue=now.queue,
        support_tier=now.support_tier,
        priority=item.priority,
        channel=item.channel,
        channel_kind=item.channel_kind,
        skills=_skills(now),
        queued_at=item.stint_at,
        agent_id=item.agent_id,
        assigned_at=item.assigned_at,
    )


def _skills(requirements: Requirements) -> tuple[SkillLevel, ...]:
    return tuple(SkillLevel(skill=skill, level=level) for skill, level in requirements.skills)
