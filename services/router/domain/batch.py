"""Where many waiting items meet many agents with room: a shift begins, a queue opens, a configuration changes.

Who gets what is decided for all of them together then (see `pairing`), a round at a time: an agent gets at most
one item a round, and rounds go on while many still meet many. What is left is given out one by one, as is
everything that is not simply given to one agent: offers to several, and items that are held for somebody.

Nobody is passed over by that, and nobody is asked out of turn. A round is of one rank, the lowest at which anybody
who could be asked now serves what waits, be it the queue's or the agent's own. Of a class it has only those who
come before all others whatever the queue ranks by: of the lowest tier, and the queue's own rather than helpers. It
ends with the first item that none of them is left for although others could have it: these are of the next round.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappush, merge
from itertools import islice

from services.router.domain.agent import Agent
from services.router.domain.configuration import Matching
from services.router.domain.match import Match, gives_out
from services.router.domain.matching import AgentEntry, RequirementClass, refuses
from services.router.domain.order import Place
from services.router.domain.pairing import SCALE, Group, Row, blocked_at, one_by_one, together
from services.router.domain.ranking import excess, precedence_in, rank_in
from services.router.domain.reasons import Together
from services.router.domain.sla_clock import SlaClock
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem

MOST = 1000
"""Items of one round."""

_SPARE = 50
"""Agents of a class beside one for each of its items, so that there is a choice."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An item of a round, and where it stands."""

    found: RequirementClass
    item: WorkItem
    place: Place


def matched_together(state: RoutingState) -> list[Match]:
    """Who gets what in one round, in the items' order; nothing where not many meet many."""
    rule = state.configuration.matching
    if rule is None:
        return []
    # No index is told of anybody, and no line is looked at, before it is known that there is something to decide.
    if not _may_be_ready(state, rule.at_least):
        return []
    state.tell_all()
    classes = _foremost_classes(state)
    if sum(found.line.count for found in classes) < rule.at_least or not _are_ready(classes, rule.at_least):
        return []
    waiting = _first(state, classes)
    if len(waiting) < rule.at_least:
        return []
    return _matches(state, rule, waiting)


def _foremost_classes(state: RoutingState) -> list[RequirementClass]:
    """The unsettled classes of the lowest rank; none where they are not one line, or do not all take part."""
    classes = [found for found in state.unsettled if found.line.count and gives_out(state, found)]
    ranks = [(found.lowest_rank(), found) for found in classes]
    first = min((rank for rank, _ in ranks), default=None)
    lowest = [found for rank, found in ranks if rank == first]
    if len({found.queue.order for found in lowest}) != 1 or not all(map(_takes_part, lowest)):
        return []
    return lowest


def _takes_part(found: RequirementClass) -> bool:
    return found.only is None and found.queue.most_asked(found.kind) == 1


def _may_be_ready(state: RoutingState, at_least: int) -> bool:
    """Whether so many agents may be asked for anything, each counted once."""
    ready = set(state.changed)
    for found in state.unsettled:
        if len(ready) >= at_least:
            break
        if found.line.count:
            ready.update(islice(found.standing, at_least))
    return len(ready) >= at_least


def _are_ready(classes: Sequence[RequirementClass], at_least: int) -> bool:
    """Whether so many agents could be asked now, each counted once, of those who come before all others."""
    ready: set[str] = set()
    for found in classes:
        entries = _first_ready(found, at_least)
        first = precedence_in(entries[0][0])
        ready.update(name for key, name, _ in entries if precedence_in(key) == first)
        if len(ready) >= at_least:
            return True
    return False


def _first_ready(found: RequirementClass, most: int) -> list[AgentEntry]:
    """Agents of a class who could be asked now, the first in rank, so many at most. The index stays as it is."""
    entries = list(islice(found.candidates(), most))
    for entry in entries:
        heappush(found.ready, entry)
    return entries


def _first(state: RoutingState, classes: Sequence[RequirementClass]) -> list[_Waiting]:
    """The first waiting items over all these classes, in order."""
    with ExitStack() as lines:
        streams = [_placed(state, number, found, lines) for number, found in enumerate(classes)]
        return [_Waiting(classes[number], item, place) for place, number, item in islice(merge(*streams), MOST)]


def _placed(
    state: RoutingState, number: int, found: RequirementClass, lines: ExitStack
) -> Iterator[tuple[Place, int, WorkItem]]:
    line = lines.enter_context(closing(found.line.in_order(state.items, state.now)))
    for item, place in line:
        yield place, number, item


def _matches(state: RoutingState, rule: Matching, waiting: Sequence[_Waiting]) -> list[Match]:
    made = _Round.of(state, rule, waiting)
    best = together(made.groups, made.rows, rule.solver)
    rows = made.rows[: blocked_at(made.rows, best)]
    alone = one_by_one(made.groups, rows)
    record = Together(
        items=len(rows),
        agents=len({number for group in made.groups for number in group.agents}),
        method=best.method,
        served=best.served,
        cost=round(best.cost, 3),
        served_one_by_one=alone.served,
        cost_one_by_one=round(alone.cost, 3),
    )
    return [
        _match(state, each, state.agents[made.names[number]], record)
        for each, number in zip(waiting, best.agents, strict=True)
        if number is not None
    ]


def _match(state: RoutingState, each: _Waiting, agent: Agent, record: Together) -> Match:
    found = each.found
    ranked = [(agent.agent_id, found.rank_key(agent))]
    return Match.of(
        state, found, each.item, each.place, agent, ranked, found.excluded(each.item, state.agents), record
    )


@dataclass(slots=True)
class _Askable:
    """Whom a class could have in a round, in ranking order.

    is_cut: whether the class has more agents of the round's rank than these
    number: of the group of those who come first; costs: what each agent costs, as far as it has been asked for
    """

    found: RequirementClass
    entries: list[AgentEntry]
    is_cut: bool
    number: int = 0
    costs: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Round:
    """The items of a round as rows, and what each agent would cost for each. names: of agents, by number"""

    state: RoutingState
    rule: Matching
    rank: int
    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, state: RoutingState, rule: Matching, waiting: Sequence[_Waiting]) -> "_Round":
        """The round of these items."""
        made = cls(state, rule, waiting[0].found.lowest_rank())
        wanted: dict[int, tuple[RequirementClass, int]] = {}
        for each in waiting:
            _, count = wanted.get(id(each.found), (each.found, _SPARE))
            wanted[id(each.found)] = each.found, count + 1 + len(each.item.refused_by)
        classes = made._askable(list(wanted.values()))
        for each in waiting:
            made._add(classes[id(each.found)], each.item)
        return made

    def _askable(self, wanted: Sequence[tuple[RequirementClass, int]]) -> dict[int, _Askable]:
        """Of each class its first agents, as many as its items and some, and others' that fit it too."""
        own: list[tuple[RequirementClass, list[AgentEntry], bool]] = []
        pool: dict[str, None] = {}
        for found, most in wanted:
            entries = [entry for entry in _first_ready(found, most + 1) if rank_in(entry[0]) == self.rank]
            own.append((found, entries[:most], len(entries) > most))
            pool.update((name, None) for _, name, _ in entries[:most])
        made = {}
        for found, entries, is_cut in own:
            known = {name for _, name, _ in entries}
            others = [found.standing[name] for name in pool if name not in known and name in found.standing]
            entries += [entry for entry in others if rank_in(entry[0]) == self.rank]
            askable = made[id(found)] = _Askable(found, sorted(entries), is_cut)
            askable.number = self._group(askable, _foremost(askable.entries))
        return made

    def _add(self, askable: _Askable, item: WorkItem) -> None:
        """One more row: whoever has refused it is left out, whom it would rather have is taken in."""
        number, could_have = askable.number, len(askable.entries)
        refusers = {name for name in item.refused_by if name in self.state.agents}
        refusers = {name for name in refusers if refuses(self.state.agents[name], item)}
        preferred = None
        if item.preferred_agent_id not in refusers:
            preferred = askable.found.standing.get(item.preferred_agent_id or "")
        if preferred is not None and rank_in(preferred[0]) != self.rank:
            # Its turn is with the items of that rank.
            preferred, number, could_have = None, self._group(askable, []), 0
        elif not refusers.isdisjoint(askable.found.standing) or not (
            preferred is None or self.numbers.get(preferred[1]) in self.groups[number].agents
        ):
            kept = [entry for entry in askable.entries if entry[1] not in refusers]
            first = _foremost(kept)
            could_have = len(kept)
            if preferred is not None and preferred not in first:
                first.append(preferred)
            number = self._group(askable, first)
        sticky = self.numbers[preferred[1]] if preferred is not None else None
        urgency = _urgency(self.state.tickets[item.ticket_id].clocks, self.state.now)
        saves = round(self.rule.stickiness * SCALE) if sticky is not None else 0
        blocks = could_have > len(self.groups[number].agents) or (askable.is_cut and could_have > 0)
        self.rows.append(Row(number, 1.0 + self.rule.urgency * urgency, sticky, saves, blocks))

    def _group(self, askable: _Askable, entries: Sequence[AgentEntry]) -> int:
        """The number of a new group of agents of a class."""
        unknown = [name for _, name, _ in entries if name not in askable.costs]
        askable.costs.update(zip(unknown, self._costs(askable.found, unknown), strict=True))
        members = []
        for _, name, _ in entries:
            if name not in self.numbers:
                self.numbers[name] = len(self.names)
                self.names.append(name)
            members.append(self.numbers[name])
        self.groups.append(Group(members, [askable.costs[name] for _, name, _ in entries]))
        return len(self.groups) - 1

    def _costs(self, found: RequirementClass, names: Sequence[str]) -> list[int]:
        """What each agent costs for an item of a class."""
        # In tables: this runs for every pair of a class and an agent.
        tables = [
            (skill, [1.0 - excess(level, least) for level in range(6)])
            for skill, least in found.requirements.skills
        ]
        costs = []
        for name in names:
            agent = self.state.agents[name]
            levels = agent.profile.skills
            misfit = sum(table[levels.get(skill, 0)] for skill, table in tables) / (len(tables) or 1)
            misfit += sum(levels.get(skill, 0) < least for skill, least in found.requirements.preferred)
            cost = self.rule.misfit * misfit + self.rule.load * agent.used / agent.profile.capacity
            costs.append(round(SCALE * cost))
        return costs


def _foremost(entries: Sequence[AgentEntry]) -> list[AgentEntry]:
    """Those of the agents who come before all others, whatever the queue ranks by."""
    return [entry for entry in entries if precedence_in(entry[0]) == precedence_in(entries[0][0])]


def _urgency(clocks: Sequence[SlaClock], now: datetime) -> float:
    """How much of the item's most pressing promise is used up, 0 to 1."""
    shares = [(now - clock.counts_from) / clock.target for clock in clocks if clock.counts_from is not None]
    return min(1.0, max([0.0, *shares]))
