"""What would release an item that waits, each as a sentence, with the time where it is known."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest

from services.router.domain.agent import Agent
from services.router.domain.candidates import NEVER, REFUSED, Candidates, ready_for
from services.router.domain.eligibility import misfit
from services.router.domain.explanation import asked_for, who_is
from services.router.domain.hours import OffDuty
from services.router.domain.matching import READY, RESERVED
from services.router.domain.partner import queue_of_partner
from services.router.domain.policy import Requirements, Step, relaxed
from services.router.domain.staffing import Staff, agents_in_words, lack_in_words
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.vocabulary import AgentState, ChannelKind

_MOST_NAMED = 5
_MOST_ALIKE = 3
"""So many shifts, steps and pending offers are listed one by one."""
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Something that would have an item given out, or asked of more agents.

    at: when, at the latest where somebody may be quicker; none where nobody can say
    count: how many agents it is about; agents: the first of them
    """

    kind: str
    words: str
    at: datetime | None = None
    count: int = 0
    agents: tuple[str, ...] = ()


def releases(state: RoutingState, item: WorkItem, found: Candidates, *, is_pulled: bool) -> tuple[Release, ...]:
    """What would release it, what has a time first, in its order. found: of what it asks for now"""
    opening = state.opening(item.requirements.queue)
    held = item.held_for
    pool = found.among(held.agent_id) if held else found
    made = [*_offers(state, item), *_steps(state, item, found)]
    if not opening.is_open:
        queue = f"queue {item.requirements.queue} opens"
        made.append(Release(kind="queue_opens", words=f"{queue}{_when(opening.until)}", at=opening.until))
    else:
        made += [*_given_out(pool, is_pulled=is_pulled), *_by_agents(state, item, pool)]
    if held is not None and item.held_until is not None:
        ready = len(found.who(READY)) - len(pool.who(READY))
        words = f"it is no longer held for {held.agent_id}{_when(item.held_until)}: {_could(ready, 'more')}"
        made.append(Release(kind="hold_ends", words=words, at=item.held_until, count=ready))
    if not found.fit:
        made.append(_nobody(state, item.requirements))
    elif len(found.who(NEVER)) == found.fit:
        words = f"somebody is allowed {item.channel_kind} at all: nobody who fits has room for it even when idle"
        made.append(Release(kind="configuration", words=words, count=found.fit))
    return tuple(sorted(made, key=lambda release: release.at or _LAST))


def _offers(state: RoutingState, item: WorkItem) -> Iterator[Release]:
    """Answers that are awaited."""
    pending = sorted((state.offers[offer_id] for offer_id in item.offers), key=lambda offer: offer.expires_at)
    for offer in pending[:_MOST_ALIKE]:
        partner = queue_of_partner(offer.agent_id)
        words = f"{who_is(offer.agent_id)} answers the offer{_when(offer.expires_at, 'by')}"
        yield Release(
            kind="partner_answers" if partner else "offer_answered",
            words=words if partner else f"{words}; then others are asked",
            at=offer.expires_at,
            count=1,
            agents=(offer.agent_id,),
        )


def _steps(state: RoutingState, item: WorkItem, found: Candidates) -> Iterator[Release]:
    """The next steps of its rule."""
    coming = _steps_ahead(item)[:_MOST_ALIKE]
    known = {agent.agent_id for agent in found.who(READY)} | set(item.offers.values())
    others = (agent for agent in state.agents.values() if agent.agent_id not in known) if coming else ()
    free = [agent for agent in others if agent.obstacle(item.channel_kind) is None]
    asked = item.requirements
    for number, step in enumerate(coming, start=item.step + 1):
        at = state.configuration.queue(asked.queue).after(item.started_at, step.after)
        asked = relaxed(asked, (step,))
        new = ready_for(state, item, asked, free)
        has_any = bool(new) or any(misfit(agent.profile, asked) is None for agent in state.agents.values())
        words = f"step {number} opens{_when(at)}: {_changed(step)}it waits {asked_for(asked)} then; "
        words += _could(len(new), "more") if has_any else "nobody fits that either"
        yield _about("step_opens", words, new, at)


def _steps_ahead(item: WorkItem) -> list[Step]:
    """The steps that are not open yet, but for the overflow of a queue that the item leaves before."""
    left = item.steps[item.step :]
    moves = next((number for number, step in enumerate(left) if step.queue), len(left))
    return [step for number, step in enumerate(left) if number < moves or not step.is_overflow]


def _changed(step: Step) -> str:
    parts = ["its priority rises"] if step.raise_by else []
    parts += ["it comes to the front of its line"] if step.expedite else []
    return f"{' and '.join(parts)}, and " if parts else ""


def _given_out(pool: Candidates, *, is_pulled: bool) -> Iterator[Release]:
    """What happens with those who could have it now."""
    ready = pool.who(READY)
    if not ready:
        return
    if is_pulled:
        words = f"one of {agents_in_words(len(ready))} who could have it takes it: nobody is asked in this queue"
        if len(ready) == 1:
            words = f"{ready[0].agent_id} takes it: nobody is asked in this queue"
        yield _about("agent_takes", words, ready)
    else:
        yield _about(
            "given_out", f"{agents_in_words(len(ready))} could have it: it is given out in a moment", ready
        )


def _by_agents(state: RoutingState, item: WorkItem, pool: Candidates) -> Iterator[Release]:
    """What those would have to do who fit and cannot be asked."""
    yield from _finishing(state, item, pool.who("capacity"))
    yield from _returning(item.channel_kind, pool.who(*_states(pool)))
    yield from _coming(pool.who(*OffDuty))
    if refusers := pool.who(REFUSED):
        yield _about("refuser_returns", f"{_named(refusers)}, having refused it, goes away and is back", refusers)
    if kept := pool.who(RESERVED):
        words = f"more agents become free in the queue that {_named(kept)} is kept free for"
        yield _about("reserve_filled", words, kept)


def _states(pool: Candidates) -> list[str]:
    return [condition for condition in sorted(pool.by_condition) if condition.startswith("state:")]


def _finishing(state: RoutingState, item: WorkItem, full: Sequence[Agent]) -> Iterator[Release]:
    """Agents without room."""
    kind = item.channel_kind
    soon = [agent for agent in full if any(_suffices(agent, done, kind) for done in agent.items)]
    wraps = [
        (work.wrap_until, agent)
        for agent in soon
        for work in (state.items[work_id] for work_id in agent.work)
        if work.wrap_until is not None and _suffices(agent, work.channel_kind, kind)
    ]
    if wraps:
        at, agent = min(wraps, key=lambda wrap: (wrap[0], wrap[1].agent_id))
        yield _about("wrap_up_ends", f"the wrap-up of {agent.agent_id} ends{_when(at, 'by')}", [agent], at)
    if soon:
        yield _about("agent_finishes", f"{_named(soon)} finishes something ({_in_hand(soon)})", soon)
    elif full:
        words = f"{_named(full)} finishes enough to have room for {kind} ({_in_hand(full)})"
        yield _about("agent_finishes", words, full)


def _suffices(agent: Agent, done: ChannelKind, wanted: ChannelKind) -> bool:
    """Whether the agent would have room for an item if they had one less of this channel."""
    if not agent.items.get(done):
        return False
    limits = agent.profile.limits
    load, limit = agent.used if limits[wanted].is_interruptible else agent.firm, limits[wanted]
    if limit.is_interruptible or not limits[done].is_interruptible:
        load -= limits[done].cost
    count = agent.items.get(wanted, 0) - (done is wanted)
    return count < limit.most and load + limit.cost <= agent.profile.capacity


def _returning(kind: ChannelKind, absent: Sequence[Agent]) -> Iterator[Release]:
    """Agents on duty who are not available."""
    free = [agent for agent in absent if agent.has_room(kind)]
    if free:
        yield _about("agent_returns", f"{_named(free, with_state=True)} becomes available", free)
    elif absent:
        words = f"{_named(absent, with_state=True)} becomes available and finishes something"
        yield _about("agent_returns", words, absent)


def _coming(off_duty: Sequence[Agent]) -> Iterator[Release]:
    """Shifts that begin and leave that ends; whoever is first."""
    first = nsmallest(_MOST_ALIKE, off_duty, key=lambda agent: (agent.standing.until or _LAST, agent.agent_id))
    for agent in first:
        at = agent.profile.duty.turns_at(agent.standing)
        if at is None:
            continue
        is_leave = agent.standing.off_duty is OffDuty.TIME_OFF
        what = "is back from leave" if is_leave else "begins their shift"
        then = "" if agent.state is AgentState.AVAILABLE else f" and becomes available ({agent.state} now)"
        kind = "leave_ends" if is_leave else "shift_begins"
        yield _about(kind, f"{agent.agent_id} {what}{_when(at)}{then}", [agent], at)


def _nobody(state: RoutingState, asked: Requirements) -> Release:
    """What the workspace lacks."""
    staffed = Staff(agent.profile for agent in state.agents.values()).staffed(asked, ())
    lack = f": {lack_in_words(staffed.lack, asked)}" if staffed.lack else ""
    return Release(kind="nobody_fits", words=f"nobody in the workspace could ever take it{lack}")


def _about(kind: str, words: str, agents: Sequence[Agent], at: datetime | None = None) -> Release:
    named = tuple(nsmallest(_MOST_NAMED, (agent.agent_id for agent in agents)))
    return Release(kind=kind, words=words, at=at, count=len(agents), agents=named)


def _named(agents: Sequence[Agent], *, with_state: bool = False) -> str:
    shown = [f"{who_is(agent.agent_id)}{_state(agent) if with_state else ''}" for agent in agents[:_MOST_ALIKE]]
    if len(agents) == 1:
        return shown[0]
    others = len(agents) - len(shown)
    return f"one of {len(agents)} agents ({', '.join(shown)}{f' and {others} more' if others else ''})"


def _state(agent: Agent) -> str:
    return f" ({agent.state}{f': {agent.reason}' if agent.reason else ''})"


def _in_hand(agents: Iterable[Agent]) -> str:
    total: Counter[str] = Counter()
    for agent in agents:
        total.update({kind.value: count for kind, count in agent.items.items() if count})
    return f"in hand: {', '.join(f'{count} {kind}' for kind, count in sorted(total.items()))}"


def _could(count: int, more: str) -> str:
    return f"{count} {more} could be asked as it stands" if count else f"nobody {more} could be asked as it stands"


def _when(at: datetime | None, word: str = "at") -> str:
    return f" {word} {at:%Y-%m-%d %H:%M} UTC" if at else ""
