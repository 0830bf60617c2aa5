"""A workspace's memory made anew from what its rows would say."""

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from services.router.adapters.memory import MEMORY, complete
from services.router.adapters.row_json import from_json, to_json
from services.router.adapters.rows import rows_of
from services.router.domain.state import RoutingState, Touched


def restored(state: RoutingState, decided_at: datetime, order: Random) -> RoutingState:
    """The state as another process would load it. decided_at: when something was decided last

    order: what shuffles rows, which a database keeps in whatever order they were written last
    """
    rows = _rows(state)
    made = RoutingState(state.workspace_id, state.configuration)
    for source in MEMORY:
        found = rows[source.table.name]
        order.shuffle(found)
        for row in found:
            source.put(made, row)
    complete(made, decided_at)
    return made


def _rows(state: RoutingState) -> dict[str, list[Mapping[str, Any]]]:
    everything = copy(state)
    everything.touched = Touched(
        agents={*state.agents, *state.retired},
        tickets={item.ticket_id for item in state.items.values()},
        items=dict(state.items),
        offers={offer_id: replace(offer) for offer_id, offer in state.offers.items()},
        is_reconsidering=state.reconsidering is not None,
    )
    return {
        table.name: [from_json(table, json.loads(json.dumps(to_json(table, row)))) for row in rows]
        for table, rows in rows_of([everything], [], [])
    }
