"""The decisions that several inputs lead to: taking offers back, putting work back, ending it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain.admission import admitted, overflowing
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.eligibility import misfit
from services.router.domain.facts import Facts
from services.router.domain.policy import Matched, Requirements, Step, TierMode, match
from services.router.domain.preference import Preferred, preferred_by_past, preferred_by_rule
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.work_item import AFTER_CALL, Offer, OfferState, WorkItem
from shared.ids import IdFactory
from shared.vocabulary import ChannelKind, Priority, WorkState

_MOST_REMEMBERED = 1024
"""Requirements of which is remembered whether anybody could take them: each is a look at every agent."""


def policy_says(state: RoutingState, ticket_id: UUID, facts: Facts, kind: ChannelKind) -> Matched:
    """The rule that decides on a ticket with these facts at this moment. kind: of its work"""
    return admitted(state, match(state.configuration.policy, ticket_id, facts, state.moment()), kind)


def queued(
    state: RoutingState, ticket_id: UUID, facts: Facts, preferred_agent_id: str | None, ids: IdFactory
) -> d.WorkQueued:
    """The ticket as a new work item, as the policy says."""
    ticket = state.tickets.get(ticket_id)
    last = ticket.last_agent_id if ticket else None
    kind = ticket.work_kind(facts.channel_kind) if ticket else facts.channel_kind
    matched = policy_says(state, ticket_id, facts, kind)
    rule = matched.rule
    chosen = preferred_by_rule(state, matched, kind, last)
    if chosen.agent_id is None:
        chosen = preferred_by_past(state, matched, kind, preferred_agent_id)
    return d.WorkQueued(
        work_id=ids.new(),
        ticket_id=ticket_id,
        channel=facts.channel,
        channel_kind=kind,
        base=matched.requirements,
        steps=overflowing(state, matched.requirements.queue, rule.steps),
        rule=rule.rule_id,
        priority=base_priority(matched, facts),
        preferred_agent_id=chosen.agent_id,
        held_until=chosen.until,
        ignores_capacity=chosen.ignores_capacity,
        reasons=Reasons(policy_version=state.configuration.policy.version, trail=matched.trail, note=matched.note),
        is_expedited=rule.expedite,
    )


def base_priority(matched: Matched, facts: Facts) -> Priority:
    """How pressing the policy finds a ticket, before any escalation."""
    return matched.rule.priority or facts.priority


def reprioritised(
    state: RoutingState, item: WorkItem, priority: Priority, reason: str, raised_by: int | None = None
) -> Iterator[d.Decision]:
    """The item becomes more or less pressing, if it does; raised_by: by how much escalations have made it so."""
    if priority is not item.priority or raised_by is not None:
        yield d.PriorityChanged(
            work_id=item.work_id,
            priority=priority,
            raised_by=item.raised_by if raised_by is None else raised_by,
            reason=reason,
            reasons=Reasons(policy_version=state.configuration.policy.version, step=item.step),
        )


def revoked(state: RoutingState, item: WorkItem, reason: str, keep: UUID | None = None) -> Iterator[d.OfferEnded]:
    """The item's pending offers are taken back, but for one that is kept."""
    for offer_id in sorted(item.offers):
        if offer_id != keep:
            yield revocation(state.offers[offer_id], reason)


def revocation(offer: Offer, reason: str) -> d.OfferEnded:
    """The end of an offer that is taken back."""
    return d.OfferEnded(
        offer_id=offer.offer_id,
        work_id=offer.work_id,
        agent_id=offer.agent_id,
        state=OfferState.REVOKED,
        reason=reason,
        is_refusal=False,
    )


def requeued(
    state: RoutingState,
    item: WorkItem,
    reason: str,
    *,
    base: Requirements | None = None,
    steps: tuple[Step, ...] | None = None,
    restarts: bool = True,
    matched: Matched | None = None,
    excluded: str | None = None,
    note: str | None = None,
    preferred_agent_id: str | None = None,
    escalation_id: UUID | None = None,
) -> d.WorkRequeued:
    """The item waits again: moved where `base` is given, as the policy says with `matched`, or as it did before.

    What begins anew and would come to a queue that is gone goes where the policy wants it.
    """
    if matched is None and base is None and restarts:
        matched = _rehomed(state, item)
    chosen = Preferred(agent_id=preferred_agent_id)
    if matched is not None:
        base, steps = matched.requirements, matched.rule.steps
        last = state.tickets[item.ticket_id].last_agent_id
        chosen = preferred_by_rule(state, matched, item.channel_kind, last)
    steps = item.steps if steps is None else steps
    if restarts:
        steps = overflowing(state, (base or item.base).queue, steps)
    return d.WorkRequeued(
        work_id=item.work_id,
        previous=item.state,
        previous_queue=item.requirements.queue,
        previous_agent_id=item.agent_id,
        base=base or item.base,
        steps=steps,
        restarts=restarts,
        is_moved=matched is None and (base is not None or item.is_moved),
        reason=reason,
        rule=matched.rule.rule_id if matched else None,
        excluded=excluded,
        previous_offer_id=item.accepted_offer_id,
        preferred_agent_id=chosen.agent_id,
        held_until=chosen.until,
        ignores_capacity=chosen.ignores_capacity,
        escalation_id=escalation_id,
        is_expedited=matched is not None and matched.rule.expedite,
        reasons=Reasons(
            policy_version=state.configuration.policy.version,
            step=0 if restarts else item.step,
            trail=matched.trail if matched else (),
            note=note or (matched.note if matched else None),
        ),
    )


def _rehomed(state: RoutingState, item: WorkItem) -> Matched | None:
    """What the policy says of an item whose queue, or one that its steps lead to, is gone."""
    facts = state.tickets[item.ticket_id].facts
    queues = {item.base.queue, *(step.queue for step in item.steps if step.queue)}
    if facts is None or queues <= state.configuration.queues.keys():
        return None
    return policy_says(state, item.ticket_id, facts, item.channel_kind)


def destination(
    state: RoutingState, item: WorkItem, *, queue: str | None, support_tier: int | None
) -> Requirements | None:
    """What the item asks for in another queue or tier; None where it is there already. Its skills go with it.

    Tiers are the house's: from a partner's queue another tier leads to the queue that it falls back to.
    """
    present = item.requirements
    base = replace(
        item.base,
        queue=queue or (state.house_queue(present.queue) if support_tier else present.queue),
        support_tier=support_tier or present.support_tier,
        tier_mode=TierMode.EXACT if support_tier else present.tier_mode,
    )
    return None if is_there(item, base) else base


def is_there(item: WorkItem, place: Requirements) -> bool:
    """Whether the item is in this queue and tier now."""
    present = item.requirements
    return (place.queue, place.support_tier, place.tier_mode) == (
        present.queue,
        present.support_tier,
        present.tier_mode,
    )


def is_servable(state: RoutingState, requirements: Requirements) -> bool:
    """Whether any agent, as configured, could ever take what asks for this."""
    found = state.servable.get(requirements)
    if found is None:
        if len(state.servable) >= _MOST_REMEMBERED:
            state.servable.clear()
        profiles = (agent.profile for agent in state.agents.values())
        found = state.servable[requirements] = fits_any(profiles, requirements)
    return found


def fits_any(profiles: Iterable[AgentProfile], requirements: Requirements) -> bool:
    """Whether any of these could ever take what asks for this."""
    return any(misfit(profile, requirements) is None for profile in profiles)


def steps_that_stay(item: WorkItem) -> tuple[Step, ...]:
    """Such of the item's steps as lead to no other queue or tier."""
    return tuple(step for step in item.steps if step.queue is None and step.support_tier is None)


def moved(
    state: RoutingState,
    item: WorkItem,
    reason: str,
    base: Requirements,
    *,
    excluded: str | None,
    note: str,
    preferred_agent_id: str | None = None,
    escalation_id: UUID | None = None,
) -> Iterator[d.Decision]:
    """The item goes to its destination, whatever it is doing, with such of its steps as do not move it.

    escalation_id: the escalation that moves it
    """
    yield from revoked(state, item, reason)
    yield requeued(
        state,
        item,
        reason,
        base=base,
        steps=steps_that_stay(item),
        excluded=excluded,
        note=note,
        preferred_agent_id=preferred_agent_id,
        escalation_id=escalation_id,
    )


def fallen_back(
    state: RoutingState,
    item: WorkItem,
    partner_id: str,
    reason: str,
    *,
    note: str | None = None,
    house: Iterable[AgentProfile] | None = None,
) -> d.WorkRequeued:
    """What a partner does not do waits in the house, with such of its steps as do not move it: no way leads back.

    Where nobody there has what it asked of the partner, whoever is there may have it. house: those who will be
    there, where a new configuration is about to hold
    """
    partner = state.agents[partner_id].profile.partner
    assert partner is not None
    base = item.requirements
    if base.queue == partner.queue:
        base = replace(base, queue=partner.fallback)
        if not (is_servable(state, base) if house is None else fits_any(house, base)):
            base = Requirements(queue=partner.fallback, tier_mode=TierMode.AT_LEAST)
    return requeued(state, item, reason, base=base, steps=steps_that_stay(item), note=note)


def released(state: RoutingState, item: WorkItem, reason: str) -> Iterator[d.Decision]:
    """The item is taken from its agent, or its offers back, and waits where it came from."""
    yield from revoked(state, item, reason)
    if item.state is not WorkState.QUEUED:
        yield requeued(state, item, reason)


def completed(state: RoutingState, item: WorkItem, ids: IdFactory) -> Iterator[d.Decision]:
    """The agent is done with it. A ticket that is unsolved then is new work, its last agent first."""
    yield d.WorkCompleted(work_id=item.work_id)
    ticket = state.tickets[item.ticket_id]
    if ticket.status.is_unsolved and ticket.facts is not None:
        rest = queued(state, ticket.ticket_id, ticket.facts, item.agent_id, ids)
        yield replace(
            rest, channel_kind=AFTER_CALL if item.channel_kind is ChannelKind.VOICE else rest.channel_kind
        )


def cancelled(state: RoutingState, item: WorkItem, reason: str) -> Iterator[d.Decision]:
    """The item needs no agent any more."""
    yield from revoked(state, item, reason)
    yield d.WorkCancelled(work_id=item.work_id, previous=item.state, reason=reason)


def kept(state: RoutingState, agent: Agent, *, chats: bool = True) -> Iterator[d.ReturnScheduled]:
    """Whoever is back in time keeps what would have gone to others. chats: these too"""
    for work_id in sorted(agent.work):
        item = state.items[work_id]
        if item.return_at is not None and (chats or item.channel_kind is not ChannelKind.CHAT):
            yield d.ReturnScheduled(work_id=work_id, at=None)


def left_behind(state: RoutingState, item: WorkItem, now: datetime) -> Iterator[d.Decision]:
    """The item's agent is absent: it goes back a while after their shift. A call does not, it ends by itself.

    A chat, whose customer sits there, is counted from when the agent's connection was lost, if it was.
    """
    if item.channel_kind is ChannelKind.VOICE or item.return_at is not None or item.agent_id is None:
        return
    agent, queue = state.agents[item.agent_id], state.configuration.queue(item.requirements.queue)
    if item.channel_kind is ChannelKind.CHAT:
        at = max(now, (agent.disconnected_at or now) + queue.reconnect_within)
    else:
        since = agent.profile.duty.shift_ends_at(now) or now
        at = queue.after(since, queue.return_after) or since + queue.return_after
    yield d.ReturnScheduled(work_id=item.work_id, at=at)
