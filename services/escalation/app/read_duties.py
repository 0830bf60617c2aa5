"""What there is to be on call for, with everything that says who is, was and will be."""

from collections import defaultdict
from datetime import datetime

from services.escalation.app.ports import Rosters, ServiceLevels
from services.escalation.domain.duty import LOOKAHEAD, LOOKBACKS, Duty, duty_of
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.stand_in import StandIn, in_force
from shared.db.unit_of_work import Tx
from shared.errors import NotFound


async def read_duties(
    workspace_id: str, start: datetime, end: datetime, *, tx: Tx, rosters: Rosters, levels: ServiceLevels
) -> tuple[PolicyHistory, dict[str, Duty]]:
    """By rotation, also those that are no more: good for moments of [start, end], and the whole shifts of them."""
    # Behind the history: of a rotation that nobody knows of yet nobody can stand in.
    history = (await levels.load(tx, [workspace_id]))[workspace_id]
    standing_in: dict[str, list[StandIn]] = defaultdict(list)
    for stand_in in await rosters.stand_ins(tx, workspace_id, start - LOOKBACKS[-1], end + LOOKAHEAD):
        standing_in[stand_in.rotation].append(stand_in)
    names = dict.fromkeys(name for policies in history.versions for name in policies.rotations)
    return history, {name: duty_of(history, name, in_force(standing_in[name])) for name in sorted(names)}


async def read_duty(
    workspace_id: str,
    rotation: str,
    start: datetime,
    end: datetime,
    *,
    tx: Tx,
    rosters: Rosters,
    levels: ServiceLevels,
) -> tuple[PolicyHistory, Duty]:
    """One of them. Raises NotFound where there never was such a rotation."""
    history, duties = await read_duties(workspace_id, start, end, tx=tx, rosters=rosters, levels=levels)
    if rotation not in duties:
        raise NotFound("There is no such rotation.")
    return history, duties[rotation]
