"""What escalations do to work: raise its priority, move it, ask more agents, hand it to somebody.

Each leaves a record: of what it did, or of why nothing came of it. None brings work back to where another one
took it from: however many there are of a ticket, they come to an end.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.admission import standing_in
from services.router.domain.agent import Agent
from services.router.domain.eligibility import misfit
from services.router.domain.matching import READY, refuses
from services.router.domain.policy import Requirements, Step, relaxed
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.steps import (
    destination,
    is_servable,
    is_there,
    moved,
    reprioritised,
    requeued,
    revoked,
    steps_that_stay,
)
from services.router.domain.work_item import MOST_RAISED, Raised, Ticket, WorkItem


def on_escalation(state: RoutingState, escalated: inputs.EscalationRaised) -> Iterator[d.Decision]:
    """An escalation asks something of the work item; nothing more once the ticket is solved.

    Before the ticket is known, that is kept until it is.
    """
    raised = escalated.raised
    ticket = state.tickets.get(escalated.ticket_id) or Ticket(ticket_id=escalated.ticket_id)
    item = state.live_item(escalated.ticket_id)
    if ticket.facts is None:
        early = (*ticket.early, raised)
        yield d.TicketLearned(ticket_id=escalated.ticket_id, facts=None, status=ticket.status, early=early)
    elif item is None or not ticket.status.is_unsolved:
        yield _refused(state, ticket, item, raised, _wanted(raised), f"the ticket is {ticket.status}")
    else:
        acting = _Acting(state, ticket, item, raised)
        yield from acting.raises()
        found = yield from acting.destination()
        if found is not None:
            yield from acting.moves(*found)
        else:
            is_back = yield from acting.hands()
            yield from acting.widens(waits=is_back or item.is_waiting)


def widening(state: RoutingState, escalated: inputs.EscalationRaised) -> Iterator[inputs.OpenStep]:
    """The steps of an item that waits open at once, up to one that would move it. Asked once all else is done."""
    item = state.live_item(escalated.ticket_id)
    if escalated.raised.widen and item is not None and item.is_waiting:
        for _ in _steps_ahead(item):
            yield inputs.OpenStep(work_id=item.work_id, note=_note(escalated.raised))


@dataclass(frozen=True, slots=True)
class _Acting:
    """One escalation of one item that needs somebody."""

    state: RoutingState
    ticket: Ticket
    item: WorkItem
    raised: Raised

    def raises(self) -> Iterator[d.Decision]:
        """The item becomes more pressing."""
        item = self.item
        if self.raised.raise_by <= 0:
            return
        by = min(item.raised_by + self.raised.raise_by, MOST_RAISED)
        if by == item.raised_by:
            yield self.refused("a higher priority", "it cannot be raised any further")
            return
        priority = item.priority.raised(self.raised.raise_by)
        yield from reprioritised(self.state, item, priority, "escalation", raised_by=by)

    def destination(self) -> Generator[d.Decision, None, tuple[Requirements, str | None] | None]:
        """Where the item is to go, and why not where it was wanted: returned, none where it stays.

        Another queue stands in for one that is closed, as for new work.
        """
        raised, queues = self.raised, self.state.configuration.queues
        if raised.queue is None and raised.support_tier is None:
            return None
        queue = raised.queue if raised.queue in queues else None
        if raised.queue != queue:
            yield self.refused(f"queue {raised.queue}", "there is no such queue")
            if raised.support_tier is None:
                return None
        steps = steps_that_stay(self.item)
        wanted = destination(self.state, self.item, queue=queue, support_tier=raised.support_tier)
        if wanted is None:
            yield self.refused(_place(self.item.requirements), "it is there already")
            return None
        target, closed = standing_in(self.state, wanted, self.item.channel_kind, steps)
        if is_there(self.item, target):
            obstacle = "it is there already"
        elif not is_servable(self.state, relaxed(target, steps)):
            obstacle = "no agent could ever take it there"
        elif self.item.left_by_other(raised.escalation_id, target):
            obstacle = "another escalation took it away from there"
        else:
            return target, closed
        yield self.refused(_place(wanted), "; ".join(filter(None, (closed, obstacle))))
        return None

    def moves(self, target: Requirements, closed: str | None) -> Iterator[d.Decision]:
        """The item goes there, preferring somebody where that is wanted too. closed: why not elsewhere"""
        agent = None
        if self.raised.agent_id is not None:
            agent, obstacle = self._named(
                relaxed(target, steps_that_stay(self.item)) if self.raised.widen else target
            )
            if obstacle is not None:
                yield self.refused(f"agent {self.raised.agent_id}", obstacle)
        yield from moved(
            self.state,
            self.item,
            "escalation",
            target,
            excluded=None,
            note=", ".join(filter(None, (self.note, closed))),
            preferred_agent_id=agent.agent_id if agent else None,
            escalation_id=self.raised.escalation_id,
        )

    def widens(self, *, waits: bool) -> Iterator[d.Decision]:
        """Why nobody else can be asked, if so; the steps themselves open behind this.

        waits: nobody has it, or nobody has it any more
        """
        if not self.raised.widen:
            return
        if not waits:
            yield self.refused("more agents", f"{self.item.agent_id} has it")
        elif not _steps_ahead(self.item):
            yield self.refused("more agents", "no step is left that would ask more of them")

    def hands(self) -> Generator[d.Decision, None, bool]:
        """The item is taken, from whoever has it or is asked, for the agent who is named; whether it was."""
        item, name = self.item, self.raised.agent_id
        if name is None:
            return False
        target = relaxed(item.base, item.steps[: item.step + len(_steps_ahead(item)) * self.raised.widen])
        agent, obstacle = self._named(target)
        if agent is not None:
            obstacle = self._holds(agent) or obstacle or self._unasked(agent, target)
            if obstacle is None and refuses(agent, item):
                obstacle = "refused it before"
        if agent is None or obstacle is not None:
            yield self.refused(f"agent {name}", obstacle or "")
            return False
        yield from revoked(self.state, item, "escalation")
        yield requeued(
            self.state,
            item,
            "escalation",
            restarts=False,
            note=self.note,
            preferred_agent_id=agent.agent_id,
        )
        return True

    def _unasked(self, agent: Agent, target: Requirements) -> str | None:
        """Why the agent, who could have it, would not be asked for it now: then it is not taken from anybody."""
        found = self.state.class_for(target, self.item.channel_kind)
        if not self.state.opening(target.queue).is_open:
            return f"queue {target.queue} is closed"
        if found.is_pulled:
            return f"nobody is asked in queue {target.queue}"
        condition = found.condition_of(agent)
        return None if condition == READY else condition

    @property
    def note(self) -> str:
        """Which escalation it was."""
        return _note(self.raised)

    def refused(self, wanted: str, reason: str) -> d.EscalationRefused:
        """Why something that was asked for is not done."""
        return _refused(self.state, self.ticket, self.item, self.raised, wanted, reason)

    def _named(self, target: Requirements) -> tuple[Agent | None, str | None]:
        """The agent who is to get it, and what keeps them from ever having it where this is asked."""
        agent = self.state.agents.get(self.raised.agent_id or "")
        if agent is None:
            return None, "there is no such agent"
        if (lack := misfit(agent.profile, target)) is not None:
            return None, f"may not have it ({lack})"
        return agent, None

    def _holds(self, agent: Agent) -> str | None:
        if self.item.agent_id == agent.agent_id:
            return "has it already"
        if any(self.state.offers[offer_id].agent_id == agent.agent_id for offer_id in self.item.offers):
            return "is asked already"
        return None


def _note(raised: Raised) -> str:
    return f"escalation {raised.escalation_id}"


def _steps_ahead(item: WorkItem) -> tuple[Step, ...]:
    """The steps that are not open yet, up to one that moves the item elsewhere."""
    left = item.steps[item.step :]
    ends = next((index for index, step in enumerate(left) if step.queue is not None), len(left))
    return left[:ends]


def _wanted(raised: Raised) -> str:
    """What an escalation asks for, in words."""
    tier = f"tier {raised.support_tier}" if raised.support_tier else None
    parts = (
        "a higher priority" if raised.raise_by > 0 else None,
        f"queue {raised.queue}" if raised.queue else None,
        tier,
        "more agents" if raised.widen else None,
        f"agent {raised.agent_id}" if raised.agent_id else None,
    )
    return ", ".join(part for part in parts if part) or "nothing"


def _place(requirements: Requirements) -> str:
    return f"queue {requirements.queue}, tier {requirements.support_tier}"


def _refused(
    state: RoutingState, ticket: Ticket, item: WorkItem | None, raised: Raised, wanted: str, reason: str
) -> d.EscalationRefused:
    return d.EscalationRefused(
        ticket_id=ticket.ticket_id,
        work_id=item.work_id if item else None,
        escalation_id=raised.escalation_id,
        wanted=wanted,
        reason=reason,
        reasons=Reasons(policy_version=state.configuration.policy.version, step=item.step if item else 0),
    )
