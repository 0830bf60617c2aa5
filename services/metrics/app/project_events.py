"""Folds a batch of events: stories of tickets and agents, the facts that follow from them, and the rollups.

Everything that the batch touches is loaded with one statement a table, folded in memory, and written back the
same way. Facts are compared before and after, so later truth corrects the interval that it is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.metrics.app.inbound import agent_after, agents_of, observed, tickets_of
from services.metrics.app.ports import Ledger
from services.metrics.domain.agent import AgentKey, TrackedAgent
from services.metrics.domain.rollup import EMPTY, Cell, CellKey, corrected, deltas
from services.metrics.domain.tracked import (
    Changes,
    TicketKey,
    TrackedTicket,
    changes_between,
    standing_of,
)
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What a batch changed, for the live state.

    cells: as they are now, empty ones included
    agents: as they are now
    """

    changes: Changes
    cells: Mapping[CellKey, Cell]
    agents: Sequence[TrackedAgent]


async def project_events(events: Sequence[Event], *, tx: Tx, ledger: Ledger) -> Projection:
    """What the batch comes to. It is written; the caller commits."""
    agents = await _fold_agents(events, tx, ledger)
    pairs = await _fold_tickets(events, tx, ledger)
    changes = changes_between(pairs)
    cells = await _fold_facts(changes, tx, ledger)
    return Projection(changes=changes, cells=cells, agents=agents)


async def _fold_agents(events: Sequence[Event], tx: Tx, ledger: Ledger) -> Sequence[TrackedAgent]:
    about = agents_of(events)
    keys = {AgentKey(event.workspace_id, data.agent_id) for event, data in about}
    before = await ledger.agents(tx, keys)
    after = dict(before)
    for event, data in about:
        key = AgentKey(event.workspace_id, data.agent_id)
        known = after.get(key) or TrackedAgent(workspace_id=key.workspace_id, agent_id=key.agent_id)
        after[key] = agent_after(known, event, data)
    changed = [agent for key, agent in after.items() if before.get(key) != agent]
    await ledger.save_agents(tx, changed)
    return changed


async def _fold_tickets(
    events: Sequence[Event], tx: Tx, ledger: Ledger
) -> list[tuple[TrackedTicket, TrackedTicket]]:
    """Tickets before and after, of those that changed."""
    about = tickets_of(events)
    keys = {TicketKey(event.workspace_id, data.ticket_id) for event, data in about}
    known = await ledger.tickets(tx, keys)
    before = {
        key: known.get(key) or TrackedTicket(workspace_id=key.workspace_id, ticket_id=key.ticket_id)
        for key in keys
    }
    after = dict(before)
    for event, data in about:
        key = TicketKey(event.workspace_id, data.ticket_id)
        after[key] = observed(after[key], event, data)
    pairs = [(before[key], ticket) for key, ticket in after.items() if before[key] != ticket]
    await ledger.save_tickets(tx, [(ticket, standing_of(ticket)) for _, ticket in pairs])
    return pairs


async def _fold_facts(changes: Changes, tx: Tx, ledger: Ledger) -> Mapping[CellKey, Cell]:
    stays = {fact.fact_id for fact in changes.added}
    gone = [fact.fact_id for fact in changes.removed if fact.fact_id not in stays]
    await ledger.save_facts(tx, gone=gone, facts=changes.added)
    wanted = deltas(changes.added, changes.removed)
    before = await ledger.cells(tx, list(wanted))
    after: dict[CellKey, Cell] = {}
    unsure: list[CellKey] = []
    for key, delta in wanted.items():
        old = before.get(key, EMPTY)
        cell = corrected(old, delta.added, delta.removed)
        if cell is None:
            unsure.append(key)
        elif cell != old:
            after[key] = cell
    after |= await ledger.recount(tx, unsure)
    await ledger.save_cells(tx, after)
    return after
