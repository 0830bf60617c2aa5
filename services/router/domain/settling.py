"""Brings waiting work and agents who have room together, until nothing fits any more."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from services.router.domain import decision as d
from services.router.domain.agent import Agent
from services.router.domain.batch import matched_together
from services.router.domain.evolve import evolve
from services.router.domain.foremost import Head, first_for, foremost
from services.router.domain.match import Match, gives_out
from services.router.domain.matching import READY, RequirementClass, refuses
from services.router.domain.on_work import on_step
from services.router.domain.preference import holds_of
from services.router.domain.queue import OfferMode
from services.router.domain.ranking import RankKey, rank_in
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.ids import IdFactory
from shared.vocabulary import AssignmentMode, WorkState


@dataclass(frozen=True, slots=True)
class _Chosen(Head):
    """The head of a class, and whom it is for. Why is told of the one that is given out alone."""

    agent: Agent
    ranked: list[tuple[str, RankKey]]
    excluded: dict[str, int]

    def match(self, state: RoutingState) -> Match:
        """With the record of why."""
        return Match.of(state, self.found, self.item, self.place, self.agent, self.ranked, self.excluded)


def settle(state: RoutingState, now: datetime, ids: IdFactory) -> Iterator[d.Decision]:
    """Brings waiting work and agents together: the first item in order that somebody may be asked for.

    Before that nothing waits for an agent who is not there. Where many meet many, they are matched together.
    Then steps open early of what has just joined a line where nobody can be asked, and it is tried again.
    """
    while True:
        while forsaken := _forsaken(state):
            for ended in list(holds_of(state, forsaken)):
                evolve(state, ended, now)
                yield ended
        while matches := matched_together(state) or _next_match(state):
            for match in matches:
                # What is given out changes who is kept for whom: a match may be over before its turn comes.
                if match.found.could_ask(match.agent):
                    decision = _given(match, now, ids)
                    evolve(state, decision, now)
                    yield decision
        item = _next_impatient(state)
        if item is None:
            return
        for step in list(on_step(state, item, is_early=True)):
            evolve(state, step, now)
            yield step


def note_settled(state: RoutingState) -> None:
    """Has a state that was made anew know what a commit leaves settled, which is nearly everything.

    Making indexes marks whatever waits as unsettled. With all of that counted, a few items and agents who meet
    next would seem to be many, and be matched together, as they were not before.
    """
    for found in list(state.unsettled):
        if _head_of(state, found) is None:
            del state.unsettled[found]


def _forsaken(state: RoutingState) -> list[RequirementClass]:
    """The classes in which items wait for an agent who is not there."""
    noted = [state.classes[key] for key in state.forsaken if key in state.classes]
    state.forsaken.clear()
    return [found for found in noted if state.is_forsaken(found)]


def _next_impatient(state: RoutingState) -> WorkItem | None:
    """An item that has just joined a line and opens its next step now, because nobody can be asked for it."""
    while state.impatient:
        item = state.items.get(state.impatient.popleft())
        if item is None or item.state is not WorkState.QUEUED or not item.opens_early:
            continue
        if not state.opening(item.requirements.queue).is_open:
            continue
        found = state.class_of(item)
        if found.only is None and found.choose(item, state.agents)[0] is None:
            return item
    return None


def _next_match(state: RoutingState) -> list[Match]:
    """The foremost waiting item that an agent can be asked for now.

    An item that nobody may be asked for is passed over. Where one agent alone has changed, what they can be asked
    for is found from their side, and their classes are told of them once they get nothing more: mostly they are by
    then as they were before.
    """
    if len(state.changed) > 1:
        state.tell_all()
    heads = []
    agent = state.agents[next(iter(state.changed))] if state.changed else None
    for found in list(state.unsettled):
        if agent is not None and agent.agent_id in found.members:
            found.refresh(agent, found.condition_of(agent))
        head = _head_of(state, found)
        if head is None:
            del state.unsettled[found]
        else:
            heads.append(head)
    if agent is not None:
        head = _head_for(state, agent)
        if head is None:
            state.tell(agent)
        else:
            heads.append(head)
    best = foremost(heads)
    return [best.match(state)] if best else []


def _head_for(state: RoutingState, agent: Agent) -> _Chosen | None:
    """The first item that waits for an agent in settled classes: there nobody else could be asked for anything."""
    first = first_for(
        state,
        agent,
        lambda item: not refuses(agent, item) and agent.agent_id not in item.offers.values(),
        pulls=False,
        besides=state.unsettled,
    )
    if first is None:
        return None
    first.found.refresh(agent, READY)
    chosen, ranked, excluded = first.found.choose(first.item, state.agents)
    assert chosen is not None, "the agent could be asked"
    return _Chosen(first.found, first.rank, first.item, first.place, chosen, ranked, excluded)


def _head_of(state: RoutingState, found: RequirementClass) -> _Chosen | None:
    """The class's first waiting item that somebody may be asked for, by those who serve it at the lowest rank.

    They come first for whatever they may have: where they refused the first item, they are given the next before
    somebody of a higher rank has the first. Else they would get less than that elsewhere meanwhile.
    """
    if not found.line.count or not gives_out(state, found):
        return None
    lowest, best = found.lowest_rank(), None
    with closing(found.line.in_order(state.items, state.now)) as line:
        for item, place in line:
            agent, ranked, excluded = found.choose(item, state.agents)
            if agent is not None and (best is None or rank_in(ranked[0][1]) < best.rank):
                best = _Chosen(found, rank_in(ranked[0][1]), item, place, agent, ranked, excluded)
            if best is not None and best.rank <= lowest:
                break
    return best


def _given(match: Match, now: datetime, ids: IdFactory) -> d.WorkOffered | d.WorkAssigned:
    """Offered or simply assigned, as the queue has it."""
    item, agent, queue = match.item, match.agent, match.found.queue
    reasons = Reasons(policy_version=item.policy_version, step=item.step, choice=match.choice)
    is_over = not agent.has_room(item.channel_kind)
    if queue.mode_for(item.channel_kind) is OfferMode.AUTO:
        return d.WorkAssigned(
            work_id=item.work_id,
            agent_id=agent.agent_id,
            offer_id=None,
            mode=AssignmentMode.AUTO,
            reasons=reasons,
            over_capacity=is_over,
        )
    return d.WorkOffered(
        work_id=item.work_id,
        offer_id=ids.new(),
        agent_id=agent.agent_id,
        expires_at=now + queue.offer_timeout,
        reasons=reasons,
        over_capacity=is_over,
    )
