"""The agent whom a rule, or the ticket's past, would have an item go to: asked first, and waited for a while.

While an item is held for its agent nobody else is asked: it stands in a class of which that agent is the only
member. So whatever makes them ready wakes it, and nothing has to be looked through. It is not held for whoever
is not there, or could not have it; and no longer once they have left or refused it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.router.domain import decision as d
from services.router.domain.eligibility import misfit
from services.router.domain.matching import RequirementClass
from services.router.domain.order import pressing
from services.router.domain.policy import Matched, Requirements
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.vocabulary import ChannelKind

WAITED = "they were waited for long enough"
LEFT = "they cannot have it now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferred:
    """Who is asked first.

    until: nobody else is asked before; ignores_capacity: whatever they have in hand
    """

    agent_id: str | None = None
    until: datetime | None = None
    ignores_capacity: bool = False


def preferred_by_rule(state: RoutingState, matched: Matched, kind: ChannelKind, last: str | None) -> Preferred:
    """Whom the rule prefers; nobody where it names nobody who works here. last: who had the ticket before."""
    wish = matched.rule.preference
    agent_id = wish.named(matched.facts, last) if wish else None
    if wish is None or agent_id is None or agent_id not in state.configuration.agents:
        return Preferred()
    until = _until(state, agent_id, matched.requirements, kind, wish.wait, ignores_capacity=wish.ignores_capacity)
    return Preferred(agent_id=agent_id, until=until, ignores_capacity=wish.ignores_capacity)


def preferred_by_past(state: RoutingState, matched: Matched, kind: ChannelKind, last: str | None) -> Preferred:
    """Who had the ticket before, when it is reopened."""
    if last is None or last not in state.agents:
        return Preferred(agent_id=last)
    wait = state.configuration.policy.reopened_wait
    return Preferred(agent_id=last, until=_until(state, last, matched.requirements, kind, wait))


def hold_ended(item: WorkItem, reason: str) -> d.HoldEnded:
    """Whoever fits may be asked from now on."""
    assert item.preferred_agent_id is not None
    return d.HoldEnded(
        work_id=item.work_id,
        agent_id=item.preferred_agent_id,
        reasons=Reasons(policy_version=item.policy_version, step=item.step, note=reason),
    )


def holds_of(state: RoutingState, forsaken: Iterable[RequirementClass]) -> Iterator[d.HoldEnded]:
    """Ends the hold of everything that waits in some agents' own classes, in an order that no index decides."""
    held = {item.work_id: item for found in forsaken for item in found.line.waiting(state.items)}
    for item in sorted(held.values(), key=pressing):
        yield hold_ended(item, LEFT)


def _until(
    state: RoutingState,
    agent_id: str,
    requirements: Requirements,
    kind: ChannelKind,
    wait: timedelta,
    *,
    ignores_capacity: bool = False,
) -> datetime | None:
    """Until when an item is held for the agent, in the hours of its queue; none where nobody is waited for."""
    agent = state.agents[agent_id]
    if misfit(agent.profile, requirements) is not None or not agent.is_there:
        return None
    # Whose room does not count can be asked now: the item is theirs to be asked for, without any waiting.
    can_ask = ignores_capacity and agent.obstacle(kind) in (None, "capacity")
    return state.configuration.queue(requirements.queue).after(state.now, wait) if wait or can_ask else None
