"""Decision records in words, for whoever asks why."""

from datetime import datetime

from services.router.domain import decision as d
from services.router.domain.order import OrderBy, Precedence
from services.router.domain.pairing import Method
from services.router.domain.partner import queue_of_partner
from services.router.domain.policy import Requirements, TierMode, relaxed
from services.router.domain.queue import Ranking
from services.router.domain.ranking import preferences_in, problem_of_score
from services.router.domain.reason_words import back, because, noted, obstacle, plain
from services.router.domain.reasons import Choice, Reasons, Together
from services.router.domain.work_item import OfferState
from shared.vocabulary import AssignmentMode, Priority


def explain(made: d.Decision) -> str:
    """One decision as a sentence or two."""
    match made:
        case d.WorkQueued():
            count = len(made.steps)
            steps = f", loosened in {count} step{'s' if count > 1 else ''}" if count else ""
            holds = f"Rule {made.rule} holds{_passed_over(made.reasons)}{_share(made.reasons)}"
            front = ", at the front of its line" if made.is_expedited else ""
            waits = f"it waits {asked_for(made.base)} with priority {made.priority}"
            return f"{holds}: {waits}{front}{steps}{_first(made)}."
        case d.StepOpened(reasons=Reasons(note=str() as note)):
            return f"Step {made.reasons.step} opens at once ({note}): now {asked_for(made.requirements)}."
        case d.StepOpened():
            return _step(made)
        case d.WorkOffered():
            if queue_of_partner(made.agent_id):
                return f"Offered to {who_is(made.agent_id)}."
            over = ", over their capacity" if made.over_capacity else ""
            return f"Offered to {who_is(made.agent_id)}{over}{_because(made.reasons)}"
        case d.WorkAssigned():
            by = f", to be done by {_minute(made.done_by)}" if made.done_by else ""
            over = ", over their capacity" if made.over_capacity else ""
            return f"Assigned to {who_is(made.agent_id)}{_how(made)}{by}{over}{_because(made.reasons)}"
        case d.OfferEnded():
            return _ended(made)
        case d.WorkRequeued():
            return _requeued(made)
        case d.Expedited():
            return f"It is at the front of its line from now on because {because(made.reason)}."
        case d.PriorityChanged():
            return f"Its priority is {made.priority} now because {because(made.reason)}."
        case d.EscalationRefused():
            return f"Escalation {made.escalation_id} asks for {made.wanted}, which is not done: {made.reason}."
        case d.HoldEnded():
            return f"It was held for {made.agent_id}: {made.reasons.note}. Whoever fits may be asked now."
        case _:
            return _in_hand(made)


def _in_hand(made: d.Decision) -> str:
    """Decisions about work that somebody has, or that is over."""
    match made:
        case d.WrapUpStarted():
            over = "The call is over" if made.reason == "call_ended" else "The ticket is solved"
            return f"{over}; the agent wraps up until {_minute(made.until)} at the latest."
        case d.WorkCompleted():
            return "The agent is done with it."
        case d.WorkCancelled():
            return f"It needs nobody any more: {because(made.reason)}."
        case d.LoadParked():
            return "Its ticket waits for somebody else: the agent keeps it, and has room for other work meanwhile."
        case d.LoadReturned(over_capacity=True):
            return "Its ticket is open again: with it the agent has more than they have room for."
        case d.LoadReturned():
            return "Its ticket is open again: it counts against the agent's capacity as before."
        case d.ReturnScheduled(at=None):
            return "It stays with its agent: they are back, or its ticket waits for somebody else."
        case d.ReturnScheduled():
            return f"The agent is not there: others are asked at {_minute(made.at)}, unless they are back before."
        case _:
            return ""  # about agents, queues or the ticket: no work has a record of it


def _how(made: d.WorkAssigned) -> str:
    match made.mode:
        case AssignmentMode.MANUAL:
            return " by hand"
        case AssignmentMode.ACCEPTED:
            return ", who accepted" if made.offer_id else ""
        case AssignmentMode.AUTO:
            return ""


def _ended(made: d.OfferEnded) -> str:
    who = who_is(made.agent_id)
    match made.state:
        case OfferState.DECLINED:
            why = f": {made.reason}" if made.reason != OfferState.DECLINED else ""
            return f"The offer to {who} was declined{why}."
        case OfferState.EXPIRED:
            return f"The offer to {who} was not answered in time."
        case _:
            return f"The offer to {who} was taken back because {because(made.reason)}."


def _requeued(made: d.WorkRequeued) -> str:
    before = made.previous_agent_id
    had = f" {before} had it." if before and not queue_of_partner(before) else ""
    notes = [f"rule {made.rule} holds now"] if made.rule else []
    notes += [noted(made.reasons.note)] if made.reasons.note else []
    note = f" ({', '.join(notes)})" if notes else ""
    wanted = asked_for(relaxed(made.base, made.steps[: made.reasons.step]))
    front = ", at the front of its line" if made.is_expedited else ""
    return f"{back(made.reason)}{note}, {wanted}{front}{_first(made)}.{had}"


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def who_is(agent_id: str) -> str:
    """An agent or a partner, in words."""
    queue = queue_of_partner(agent_id)
    return f"the partner of queue {queue}" if queue else agent_id


def _step(made: d.StepOpened) -> str:
    step, wanted = made.reasons.step, asked_for(made.requirements)
    last = " No step comes after it." if made.is_last else ""
    if made.is_early:
        return f"Nobody could be asked, so step {step} opens early: now {wanted}.{last}"
    return f"It has waited long enough for step {step}: now {wanted}.{last}"


def asked_for(requirements: Requirements) -> str:
    """Requirements in words, as what comes after *it waits*."""
    tier = f"tier {requirements.support_tier}"
    if requirements.tier_mode is TierMode.AT_LEAST:
        tier += " or higher"
    skills = "".join(f", {skill} at least {level}" for skill, level in requirements.skills)
    skills += "".join(f", without {skill}" for skill in requirements.without)
    teams = f", of team {' or '.join(requirements.teams)}" if requirements.teams else ""
    preferred = "".join(f", preferably {skill} at least {level}" for skill, level in requirements.preferred)
    helped = f" with help of {' and '.join(requirements.also)}" if requirements.also else ""
    return f"in queue {requirements.queue}{helped} for {tier}{skills}{teams}{preferred}"


def _passed_over(reasons: Reasons) -> str:
    passed = [f"{rule} ({outcome})" for rule, outcome in reasons.trail[:-1]]
    return f" after {', '.join(passed)}" if passed else ""


def _first(made: d.WorkQueued | d.WorkRequeued) -> str:
    if made.preferred_agent_id is None:
        return ""
    alone = f", and alone until {made.held_until:%Y-%m-%d %H:%M:%S} UTC" if made.held_until else ""
    return f"; {made.preferred_agent_id} is asked first{alone}"


def _share(reasons: Reasons) -> str:
    return f", {reasons.note}" if reasons.note else ""


def _because(reasons: Reasons) -> str:
    choice = reasons.choice
    if choice is None:
        return f": {reasons.note}." if reasons.note else "."
    others = ", ".join(f"{count} {obstacle(reason)}" for reason, count in sorted(choice.others.items()))
    runners = ", ".join(agent_id for agent_id, _ in choice.ranked[1:])
    parts = [f", first of {choice.eligible} who could be asked by {plain(choice.ranking)}"]
    if choice.together:
        parts = [f", one of {choice.eligible} who could be asked, as suits best for all"]
    elif choice.ranked and choice.ranked[0][0] == choice.preferred_agent_id:
        parts = [f", who comes first for it and is one of {choice.eligible} who could be asked"]
    if choice.ranked and choice.requirements.preferred:
        met, of = preferences_in(choice.ranked[0][1]), len(choice.requirements.preferred)
        parts.append(f", with {met} of {of} preferred skill{'s' if of > 1 else ''}")
    if runners:
        parts.append(f"; next would have been {runners}")
    parts += [f"; no score for {agent_id} ({problem})" for agent_id, problem in _unscored(choice)]
    if others:
        parts.append(f". Not asked: {others}")
    return "".join(parts) + "." + _at_once(choice.together) + _why_first(choice.precedence)


def _at_once(met: Together | None) -> str:
    """What was decided together with this, and what that gained."""
    if met is None:
        return ""
    how = "at least cost" if met.method is Method.LEAST_COST else "so that as many as possible are served"
    more = met.served - met.served_one_by_one
    gained = f", {more} more than one by one" if more else ""
    return (
        f" Decided for {met.items} items and {met.agents} agents at once, {how}: {met.served} were served{gained},"
        f" at a cost of {met.cost:.1f}; one by one it had been {met.cost_one_by_one:.1f}."
    )


def _why_first(precedence: Precedence | None) -> str:
    """Why the item was first in its line, where more than priority and age decided it."""
    if precedence is None:
        return ""
    words = []
    if precedence.is_expedited:
        words.append("was put at the front of the line")
    if precedence.value is not None:
        match precedence.by:
            case OrderBy.SLA_URGENCY:
                words.append(f"had used up {precedence.value:.0%} of a promise")
            case OrderBy.SCORE:
                words.append(f"had a score of {precedence.value:.0f}")
            case OrderBy.AGEING:
                words.append(f"counted as {list(Priority)[int(precedence.value)]} after its wait")
            case _:
                pass
    return f" It {' and '.join(words)}." if words else ""


def _unscored(choice: Choice) -> list[tuple[str, str]]:
    if choice.ranking != Ranking.SCORE:
        return []
    return [(agent_id, found) for agent_id, key in choice.ranked if (found := problem_of_score(key))]
