"""Why an item still waits, and what would release it. Looks at the engine's memory and changes nothing."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from services.router.domain.candidates import Candidates, candidates
from services.router.domain.explanation import asked_for, who_is
from services.router.domain.hours import Opening
from services.router.domain.matching import PRESENT, READY
from services.router.domain.order import OrderBy
from services.router.domain.partner import partner_id
from services.router.domain.queue import OfferMode
from services.router.domain.reason_words import obstacle
from services.router.domain.releases import Release, releases
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Offer, WorkItem

MOST_COUNTED = 1_000
"""So many items are counted that come before another one; of more it is only said that there are more."""
_MOST_LOOKED_AT = 1_000
"""Of more agents than so many the work in hand is estimated from every second, third and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why an item still waits.

    ahead: how many items of its queue come before it, `MOST_COUNTED` where there are more; none: it is not in line
    fit: agents who have what it asks for; ready: those of them who could be asked now
    obstacles: those who fit and cannot be asked, by the first reason; unfit: people who do not, by what they lack
    partner: the id of the partner that its queue stands for
    serving: how much those who fit work on at once; higher: the share of that which comes before this
    """

    item: WorkItem
    opening: Opening
    is_pulled: bool
    ahead: int | None
    fit: int
    ready: int
    obstacles: Mapping[str, int]
    unfit: Mapping[str, int]
    partner: str | None
    offers: tuple[Offer, ...]
    releases: tuple[Release, ...]
    serving: int
    higher: float

    @property
    def is_further_back(self) -> bool:
        """Whether more items come before it than are counted."""
        return self.ahead is not None and self.ahead >= MOST_COUNTED

    @property
    def position(self) -> int | None:
        """Its place in its queue, 1 for the first, where that has been counted."""
        return None if self.ahead is None or self.is_further_back else self.ahead + 1

    @property
    def words(self) -> str:
        """Everything in a few sentences."""
        return " ".join([self._where(), self._staff(), *self._held(), self._released()])

    def _where(self) -> str:
        closed = "" if self.opening.is_open else ", which is closed"
        line = f"It waits {asked_for(self.item.requirements)}{closed}, with priority {self.item.priority}"
        if self.is_further_back:
            return f"{line}; at least {MOST_COUNTED} are before it."
        return f"{line}; {self.ahead} are before it." if self.ahead else f"{line}."

    def _staff(self) -> str:
        if self.partner:
            why = "".join(f", {obstacle(reason)}" for reason in self.obstacles)
            return f"It is for {who_is(self.partner)}{why}."
        why = ", ".join(f"{count} {obstacle(reason)}" for reason, count in self.obstacles.items())
        can = f"{self.fit} agent{'s' if self.fit != 1 else ''} fit{'s' if self.fit == 1 else ''}"
        return f"{can}, {self.ready} could be asked now{f'; not asked: {why}' if why else ''}."

    def _held(self) -> list[str]:
        held = self.item.held_for
        if held is None or self.item.held_until is None:
            return []
        return [f"It is held for {held.agent_id} until {self.item.held_until:%Y-%m-%d %H:%M:%S} UTC."]

    def _released(self) -> str:
        if not self.releases:
            return "Nothing that is known would release it: assign it by hand."
        return f"What would release it: {'; or '.join(release.words for release in self.releases)}."


def waiting(state: RoutingState, item: WorkItem, now: datetime) -> Waiting:
    """Why an item that waits still does."""
    found = candidates(state, item)
    queue = state.configuration.queue(item.requirements.queue)
    is_pulled = queue.mode_for(item.channel_kind) is OfferMode.PULL
    partner = partner_id(queue.queue_id)
    serving, higher = _workload(state, item, found)
    return Waiting(
        item=item,
        opening=state.opening(queue.queue_id),
        is_pulled=is_pulled,
        ahead=_ahead(state, item, now),
        fit=found.fit,
        ready=len(found.who(READY)),
        obstacles=found.obstacles,
        unfit=found.unfit,
        partner=partner if partner in state.agents else None,
        offers=tuple(state.offers[offer_id] for offer_id in sorted(item.offers)),
        releases=releases(state, item, found, is_pulled=is_pulled),
        serving=serving,
        higher=higher,
    )


def _ahead(state: RoutingState, item: WorkItem, now: datetime) -> int | None:
    """How many items of its queue come before it; never looks at more than are counted, over all classes."""
    if not item.in_line:
        return None
    order = state.class_of(item).queue.order
    entries = order.entries(item, state.tickets[item.ticket_id].clocks)
    own = min(order.place(group, key, now) for group, key in entries)
    ahead = 0
    for found in state.classes.values():
        if found.requirements.queue != item.requirements.queue or not found.line.count:
            continue
        with closing(found.line.in_order(state.items, now)) as line:
            for _, place in line:
                if place >= own:
                    break
                ahead += 1
                if ahead >= MOST_COUNTED:
                    return ahead
    return ahead


def _workload(state: RoutingState, item: WorkItem, found: Candidates) -> tuple[int, float]:
    """How much those who are there and fit work on at once, and the share of it that comes before this item.

    That is the work of queues that they do not serve after this one, and what is more pressing where a queue goes
    by priority. One more place counts as this queue's: no share is whole.
    """
    here = item.requirements.queue
    queues = state.configuration.queue
    by_priority = queues(here).order.by is OrderBy.PRIORITY
    there = found.who(*PRESENT)
    looked_at = there[:: len(there) // _MOST_LOOKED_AT + 1]
    in_hand = before = 0
    for agent in looked_at:
        mine = agent.profile.ranks.get(here, queues(here).rank)
        for work_id in agent.work:
            work = state.items[work_id]
            queue = work.requirements.queue
            is_before = (
                by_priority and work.priority.rank < item.priority.rank
                if queue == here
                else agent.profile.ranks.get(queue, queues(queue).rank) <= mine
            )
            in_hand += work.bears_load
            before += is_before and work.bears_load
    scale = len(there) / max(1, len(looked_at))
    serving = scale * in_hand + len(found.who(READY))
    return round(serving), scale * before / (serving + 1)
