"""Where many waiting items meet many agents with room: a shift begins, a queue opens, a configuration changes.

Who gets what is decided for all of them together then (see `pairing`), a round at a time: an agent gets at most
one item a round, and rounds go on while many still meet many. What is left is given out one by one, as is
everything that is not simply given to one agent by the queue's own rank: offers to several, items that are held
for somebody, agents with ranks of their own. Nobody is passed over by that: those of the lowest rank come first.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from heapq import heappush, merge
from itertools import islice

from services.router.domain.agent import Agent
from services.router.domain.configuration import Matching
from services.router.domain.match import Match, gives_out
from services.router.domain.matching import RequirementClass, refuses
from services.router.domain.order import Place
from services.router.domain.pairing import SCALE, Group, Row, one_by_one, together
from services.router.domain.ranking import excess
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
    ready = sum(found.ready_count for found in state.unsettled if found.line.count)
    if ready + len(state.changed) < rule.at_least:
        return []
    state.tell_all()
    classes = _foremost_classes(state)
    if (
        sum(found.line.count for found in classes) < rule.at_least
        or sum(found.ready_count for found in classes) < rule.at_least
    ):
        return []
    waiting = _first(state, classes)
    agents = _pool(state, waiting)
    if min(len(waiting), len(agents)) < rule.at_least:
        return []
    return _matches(state, rule, waiting, agents)


def _foremost_classes(state: RoutingState) -> list[RequirementClass]:
    """The unsettled classes of the lowest rank; none where they are not one line, or do not all take part."""
    classes = [found for found in state.unsettled if found.line.count and gives_out(state, found)]
    rank = min((found.queue.rank for found in classes), default=None)
    lowest = [found for found in classes if found.queue.rank == rank]
    if len({found.queue.order for found in lowest}) != 1 or not all(map(_takes_part, lowest)):
        return []
    return lowest


def _takes_part(found: RequirementClass) -> bool:
    return found.only is None and found.queue.most_asked(found.kind) == 1


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


def _pool(state: RoutingState, waiting: Sequence[_Waiting]) -> list[Agent]:
    """Agents who could be asked for some of the items: of each class its first, as many as its items and some.

    Whoever comes first here comes first in the ranking of the first item's class.
    """
    wanted: dict[int, tuple[RequirementClass, int]] = {}
    for each in waiting:
        _, count = wanted.get(id(each.found), (each.found, _SPARE))
        wanted[id(each.found)] = each.found, count + 1
    names: dict[str, None] = {}
    for found, count in wanted.values():
        entries = list(islice(found.candidates(), count))
        for entry in entries:
            heappush(found.ready, entry)
            names[entry[1]] = None
    return [agent for name in names if not (agent := state.agents[name]).profile.ranks]


def _matches(
    state: RoutingState, rule: Matching, waiting: Sequence[_Waiting], agents: Sequence[Agent]
) -> list[Match]:
    groups, rows = _problem(state, rule, waiting, agents)
    best = together(groups, rows, rule.solver)
    alone = one_by_one(groups, rows)
    record = Together(
        items=len(rows),
        agents=len(agents),
        method=best.method,
        served=best.served,
        cost=round(best.cost, 3),
        served_one_by_one=alone.served,
        cost_one_by_one=round(alone.cost, 3),
    )
    return [
        _match(state, each, agents[number], record)
        for each, number in zip(waiting, best.agents, strict=True)
        if number is not None
    ]


def _match(state: RoutingState, each: _Waiting, agent: Agent, record: Together) -> Match:
    found = each.found
    ranked = [(agent.agent_id, found.rank_key(agent))]
    return Match.of(
        state, found, each.item, each.place, agent, ranked, found.excluded(each.item, state.agents), record
    )


def _problem(
    state: RoutingState, rule: Matching, waiting: Sequence[_Waiting], agents: Sequence[Agent]
) -> tuple[list[Group], list[Row]]:
    """The items as rows, and what each agent would cost for each."""
    numbers = {agent.agent_id: number for number, agent in enumerate(agents)}
    groups: list[Group] = []
    group_of: dict[int, int] = {}
    rows: list[Row] = []
    for each in waiting:
        number = group_of.get(id(each.found))
        if number is None:
            number = group_of[id(each.found)] = len(groups)
            groups.append(_group(rule, each.found, agents))
        if each.found.excluded(each.item, state.agents):
            groups.append(_without_refusals(groups[number], each.item, agents))
            number = len(groups) - 1
        sticky = numbers.get(each.item.preferred_agent_id or "")
        if sticky is not None and sticky not in groups[number].agents:
            sticky = None
        urgency = _urgency(state.tickets[each.item.ticket_id].clocks, state.now)
        saves = round(rule.stickiness * SCALE) if sticky is not None else 0
        rows.append(Row(number, 1.0 + rule.urgency * urgency, sticky, saves))
    return groups, rows


def _group(rule: Matching, found: RequirementClass, agents: Sequence[Agent]) -> Group:
    """Those of a round's agents whom a class could have, with what each of them costs."""
    # In tables: this runs for every pair of a class and an agent.
    tables = [
        (skill, [1.0 - excess(level, least) for level in range(6)]) for skill, least in found.requirements.skills
    ]
    members, costs = [], []
    for number, agent in enumerate(agents):
        if agent.agent_id not in found.standing:
            continue
        levels = agent.profile.skills
        misfit = sum(table[levels.get(skill, 0)] for skill, table in tables) / (len(tables) or 1)
        misfit += sum(levels.get(skill, 0) < least for skill, least in found.requirements.preferred)
        cost = rule.misfit * misfit + rule.load * agent.used / agent.profile.capacity
        members.append(number)
        costs.append(round(SCALE * cost))
    return Group(members, costs)


def _without_refusals(group: Group, item: WorkItem, agents: Sequence[Agent]) -> Group:
    pairs = zip(group.agents, group.costs, strict=True)
    kept = [(number, cost) for number, cost in pairs if not refuses(agents[number], item)]
    return Group([number for number, _ in kept], [cost for _, cost in kept])


def _urgency(clocks: Sequence[SlaClock], now: datetime) -> float:
    """How much of the item's most pressing promise is used up, 0 to 1."""
    shares = [(now - clock.counts_from) / clock.target for clock in clocks if clock.counts_from is not None]
    return min(1.0, max([0.0, *shares]))
