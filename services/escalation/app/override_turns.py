"""Puts somebody on call in place of whoever's turn it is, and takes that back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.escalation.app.look_who_is_on_call import look_who_is_on_call
from services.escalation.app.ports import Rosters, ServiceLevels, Tracking, Watches
from services.escalation.domain.duty import LOOKAHEAD, LOOKBACKS, duty_of
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.stand_in import StandIn, check_free, check_span, ended_together, in_force, swapped
from shared.configuration import names_of, unknown
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput, NotFound
from shared.ids import IdFactory


async def add_override(
    workspace_id: str,
    *,
    rotation: str,
    agent: str,
    start: datetime | None,
    end: datetime,
    reason: str | None,
    by: str,
    tx: Tx,
    rosters: Rosters,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> StandIn:
    """The override. start: none for now. Raises InvalidInput, and Conflict where somebody stands in already."""
    history = await _locked(workspace_id, rotation, tx=tx, rosters=rosters, levels=levels)
    now = await tx.now()
    _check_agent(history, agent)
    begins = now if start is None else start
    check_span(begins, end, now)
    stand_in = StandIn(
        workspace_id=workspace_id,
        override_id=ids.new(),
        rotation=rotation,
        agent=agent,
        start_at=begins,
        end_at=end,
        reason=reason,
        created_at=now,
        created_by=by,
    )
    await _add([stand_in], tx=tx, rosters=rosters)
    await look_who_is_on_call(workspace_id, rotation, tx=tx, tracking=tracking, watches=watches, levels=levels)
    return stand_in


async def swap_turns(
    workspace_id: str,
    *,
    rotation: str,
    first: datetime,
    second: datetime,
    reason: str | None,
    by: str,
    tx: Tx,
    rosters: Rosters,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> Sequence[StandIn]:
    """Both halves: two people take each other's shift. first, second: moments in the two shifts

    Raises InvalidInput, and Conflict where somebody stands in already.
    """
    history = await _locked(workspace_id, rotation, tx=tx, rosters=rosters, levels=levels)
    now = await tx.now()
    for name, at in (("first", first), ("second", second)):
        if not now - LOOKAHEAD <= at <= now + LOOKAHEAD:
            raise InvalidInput("There is nothing to swap.", problems=((f"/{name}", "lies too far away"),))
    reach = min(first, second) - LOOKBACKS[-1], max(first, second) + LOOKAHEAD
    known = await rosters.stand_ins(tx, workspace_id, *reach, rotation=rotation)
    halves = swapped(duty_of(history, rotation, in_force(known)), first, second, now)
    swap_id = ids.new()
    stand_ins = [
        StandIn(
            workspace_id=workspace_id,
            override_id=ids.new(),
            rotation=rotation,
            agent=half.agent,
            start_at=half.start,
            end_at=half.end,
            reason=reason,
            swap_id=swap_id,
            created_at=now,
            created_by=by,
        )
        for half in halves
    ]
    for stand_in in stand_ins:
        _check_agent(history, stand_in.agent)
    await _add(stand_ins, tx=tx, rosters=rosters)
    await look_who_is_on_call(workspace_id, rotation, tx=tx, tracking=tracking, watches=watches, levels=levels)
    return stand_ins


async def end_override(
    workspace_id: str,
    override_id: UUID,
    *,
    by: str,
    tx: Tx,
    rosters: Rosters,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
) -> StandIn:
    """Withdrawn, or over from now on, and with it the other half of a swap.

    Raises NotFound, and IllegalTransition where it was over before.
    """
    await rosters.lock(tx, workspace_id)
    stand_in = await rosters.stand_in(tx, workspace_id, override_id)
    if stand_in is None:
        raise NotFound
    halves = await rosters.halves(tx, workspace_id, stand_in.swap_id) if stand_in.swap_id else ()
    after, changed = ended_together(stand_in, halves, await tx.now(), by)
    for one in changed:
        await rosters.end(tx, one)
    if changed:
        await look_who_is_on_call(
            workspace_id, stand_in.rotation, tx=tx, tracking=tracking, watches=watches, levels=levels
        )
    return after


async def _locked(
    workspace_id: str, rotation: str, *, tx: Tx, rosters: Rosters, levels: ServiceLevels
) -> PolicyHistory:
    await rosters.lock(tx, workspace_id)
    history = (await levels.load(tx, [workspace_id]))[workspace_id]
    known = history.latest.rotations
    if problems := tuple(unknown("/rotation", [rotation], list(known), "rotation")):
        raise InvalidInput("There is no such rotation.", problems=problems)
    return history


def _check_agent(history: PolicyHistory, agent: str) -> None:
    known = names_of(history.latest.contacts)
    if problems := tuple(unknown("/agent", [agent], known, "agent with an address")):
        raise InvalidInput("Nobody of that name can be told.", problems=problems)


async def _add(stand_ins: Sequence[StandIn], *, tx: Tx, rosters: Rosters) -> None:
    one = stand_ins[0]
    start, end = min(item.start_at for item in stand_ins), max(item.end_at for item in stand_ins)
    check_free(stand_ins, await rosters.stand_ins(tx, one.workspace_id, start, end, rotation=one.rotation))
    await rosters.add(tx, stand_ins)
