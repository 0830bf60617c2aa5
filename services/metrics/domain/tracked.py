"""A ticket with its work items and clocks, and the facts that follow from all of them together.

Each story is folded from its own subject's events, in their order; facts are a pure function of the stories.
So the order between subjects, and between topics, cannot matter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.metrics.domain.clock_story import ClockStory
from services.metrics.domain.fact import MILLION, Fact, FactId, FactKind, Opinion, Place, microseconds
from services.metrics.domain.ticket_story import Moment, Rating, TicketStory
from services.metrics.domain.work_story import Stand, WorkStory
from shared.vocabulary import SurveyKind, TicketStatus


class TicketKey(NamedTuple):
    """A ticket of a workspace."""

    workspace_id: str
    ticket_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTicket:
    """All that is remembered about one ticket. Without its own story it waits: nothing is counted yet."""

    workspace_id: str
    ticket_id: UUID
    story: TicketStory | None = None
    works: Mapping[UUID, WorkStory] = field(default_factory=dict)
    clocks: Mapping[UUID, ClockStory] = field(default_factory=dict)

    @property
    def key(self) -> TicketKey:
        """What it is known by."""
        return TicketKey(self.workspace_id, self.ticket_id)

    def stands(self) -> tuple[Stand, ...]:
        """Where its work stood, over all its work items, in order of time."""
        stands = (stand for work in self.works.values() for stand in work.stands)
        return tuple(sorted(stands, key=lambda stand: (stand.at, stand.event_id)))


@dataclass(frozen=True, slots=True)
class _Known:
    """A ticket whose own story is known, with its stands in order: what the rules below look at."""

    ticket: TrackedTicket
    story: TicketStory
    stands: tuple[Stand, ...]

    def place_at(self, at: datetime) -> Place:
        """Where it was at a moment. Before it was first queued it belongs to the queue that it went to."""
        last = next((stand for stand in reversed(self.stands) if stand.at <= at), None)
        known = last or (self.stands[0] if self.stands else None)
        return Place(
            queue=known.queue if known else None,
            channel=self.story.channel,
            support_tier=known.support_tier if known else None,
            agent_id=last.agent_id if last else None,
        )

    def fact(self, kind: FactKind, since: datetime, moment: Moment) -> Fact:
        """From a moment to another, where the ticket was at the second; the credit is the acting agent's."""
        place = self.place_at(moment.at)
        return Fact(
            workspace_id=self.ticket.workspace_id,
            event_id=moment.event_id,
            kind=kind,
            ticket_id=self.ticket.ticket_id,
            place=replace(place, agent_id=moment.agent_id or place.agent_id),
            value=microseconds(moment.at - since),
            started_at=since,
            ended_at=moment.at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a ticket adds to the gauges now.

    status: where it counts in the backlog; none where it does not
    waiting_since: since when it waits for an agent; none where it does not
    """

    place: Place
    opened_at: datetime
    status: TicketStatus | None
    waiting_since: datetime | None


def standing_of(ticket: TrackedTicket) -> Standing | None:
    """The ticket's part in the gauges, if it has any."""
    story = ticket.story
    if story is None or story.is_excluded or story.is_merged:
        return None
    stands = ticket.stands()
    last = stands[-1] if stands else None
    status = story.status if story.status.is_unsolved else None
    waiting_since = last.waiting_since if last else None
    if status is None and waiting_since is None:
        return None
    place = Place(
        queue=last.queue if last else None,
        channel=story.channel,
        support_tier=last.support_tier if last else None,
        agent_id=last.agent_id if last else None,
    )
    return Standing(place=place, opened_at=story.opened.at, status=status, waiting_since=waiting_since)


def facts_of(ticket: TrackedTicket) -> Mapping[FactId, Fact]:
    """Everything that is measured about a ticket, as of what is known."""
    story = ticket.story
    if story is None:
        return {}
    known = _Known(ticket, story, ticket.stands())
    rules = (_opened,) if story.is_excluded else (_opened, _assigned, _first_replied, _resolved, _rated, _clocks)
    return {fact.fact_id: fact for rule in rules for fact in rule(known)}


def _opened(known: _Known) -> Iterator[Fact]:
    opened = known.story.opened
    yield known.fact(FactKind.OPENED, opened.at, opened)


def _assigned(known: _Known) -> Iterator[Fact]:
    first = next((stand for stand in known.stands if stand.agent_id is not None), None)
    if first is not None:
        moment = Moment(at=first.at, event_id=first.event_id, agent_id=first.agent_id)
        fact = known.fact(FactKind.ASSIGNED, known.story.opened.at, moment)
        # Several stands may share one moment: the assignment itself says where it was.
        yield replace(fact, place=replace(fact.place, queue=first.queue, support_tier=first.support_tier))


def _first_replied(known: _Known) -> Iterator[Fact]:
    story = known.story
    if story.first_reply is not None and story.asked_at is not None:
        yield known.fact(FactKind.FIRST_REPLIED, story.asked_at, story.first_reply)


def _resolved(known: _Known) -> Iterator[Fact]:
    story = known.story
    if story.solved is not None and not story.is_merged:
        yield known.fact(FactKind.RESOLVED, story.opened.at, story.solved)


def _rated(known: _Known) -> Iterator[Fact]:
    rating = known.story.rating
    if rating is not None and not known.story.is_merged:
        kind = FactKind.NPS_RATED if rating.kind is SurveyKind.NPS else FactKind.CSAT_RATED
        fact = known.fact(kind, rating.moment.at, rating.moment)
        yield replace(fact, aspect=_opinion(rating), value=rating.score * MILLION)


def _opinion(rating: Rating) -> Opinion:
    if rating.kind is SurveyKind.NPS:
        return Opinion.GOOD if rating.score >= 9 else (Opinion.NEUTRAL if rating.score >= 7 else Opinion.BAD)
    return Opinion.GOOD if rating.score >= rating.scale - 1 else Opinion.BAD


def _clocks(known: _Known) -> Iterator[Fact]:
    ticket = known.ticket
    for clock in ticket.clocks.values():
        for verdict in clock.verdicts.values():
            place = known.place_at(verdict.at)
            if not verdict.is_met:
                # A breach belongs to whoever had it when it was due; to no agent where the event names none.
                place = replace(place, queue=verdict.queue or place.queue, agent_id=verdict.agent_id)
            yield Fact(
                workspace_id=ticket.workspace_id,
                event_id=verdict.event_id,
                kind=FactKind.CLOCK_MET if verdict.is_met else FactKind.CLOCK_BREACHED,
                aspect=clock.metric,
                ticket_id=ticket.ticket_id,
                place=place,
                value=verdict.value,
                business_value=verdict.business_value,
                started_at=verdict.at - timedelta(microseconds=verdict.value),
                ended_at=verdict.at,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a step from one state of some tickets to another means.

    standings: (before, after) of tickets whose part in the gauges changed
    """

    added: tuple[Fact, ...]
    removed: tuple[Fact, ...]
    standings: Mapping[TicketKey, tuple[Standing | None, Standing | None]]


def changes_between(pairs: Iterable[tuple[TrackedTicket, TrackedTicket]]) -> Changes:
    """The facts that come and go, and the standings that change, from each ticket before to it after."""
    added: list[Fact] = []
    removed: list[Fact] = []
    standings: dict[TicketKey, tuple[Standing | None, Standing | None]] = {}
    for before, after in pairs:
        old, new = facts_of(before), facts_of(after)
        removed += [fact for key, fact in old.items() if new.get(key) != fact]
        added += [fact for key, fact in new.items() if old.get(key) != fact]
        step = standing_of(before), standing_of(after)
        if step[0] != step[1]:
            standings[after.key] = step
    return Changes(added=tuple(added), removed=tuple(removed), standings=standings)
