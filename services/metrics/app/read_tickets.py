"""What stands behind a number: the very facts, tickets or agents that it counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.metrics.app.gauges import Gauges
from services.metrics.app.ports import Behind, History, PageKey
from services.metrics.domain.fact import WHOLE, Place, Scope
from services.metrics.domain.intervals import Span
from services.metrics.domain.kpi import Measure, Oldest, Population, Present, all_facts, hits_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def read_tickets(
    measure: Measure,
    *,
    only_hits: bool,
    workspace_id: str,
    span: Span,
    scopes: Sequence[Scope],
    roster: frozenset[str],
    after: PageKey | None,
    most: int,
    history: History,
) -> Sequence[Behind]:
    """At most so many, behind a place. There are as many in all as the number says.

    only_hits: of a share, what its numerator counts; otherwise what its denominator does
    span: which facts; gauges are as of now
    scopes: in all of which they have to be
    """
    match measure:
        case Present(population=Population.BACKLOG, states=states):
            return await history.backlog(workspace_id, states, scopes, after=after, most=most)
        case Present(population=Population.WAITING) | Oldest():
            return await history.waiting(workspace_id, scopes, after=after, most=most)
        case Present(states=states):
            agents = Gauges(lambda *_: None)
            agents.configure(roster)
            for agent in await history.agents(workspace_id):
                agents.set_agent(agent)
            return _agents(agents, states, scopes, after, most)
        case _:
            facts = hits_of(measure) if only_hits else all_facts(measure)
            return await history.facts(workspace_id, facts, span, scopes, after=after, most=most)


def _agents(
    gauges: Gauges, states: frozenset[str] | None, scopes: Sequence[Scope], after: PageKey | None, most: int
) -> list[Behind]:
    found = gauges.agents(scopes[0] if scopes else WHOLE, states)
    return [
        Behind(
            kind=agent.presence,
            ticket_id=None,
            place=Place(support_tier=agent.support_tier, agent_id=agent.agent_id),
            started_at=agent.since,
            after=(0, agent.agent_id, ""),
        )
        for agent in found
        if (after is None or agent.agent_id > after[1]) and all(scope in agent.scopes() for scope in scopes[1:])
    ][:most]


def page_key(at: datetime, first: str, second: str = "") -> PageKey:
    """Where the page after a row begins."""
    return (at - _EPOCH) // timedelta(microseconds=1), first, second


def moment_of(key: PageKey) -> datetime:
    """The moment in a place. Raises OverflowError for one that no page names."""
    return _EPOCH + timedelta(microseconds=key[0])
