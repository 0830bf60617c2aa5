"""An engine whose rows nobody foresaw."""

import json
from datetime import timedelta

import pytest

from services.router.adapters import tables
from services.router.app.halts import Halted
from services.router.domain import inputs
from shared.vocabulary import AgentState, ChannelKind, Priority, WorkState
from tests.unit.router.adapters.happenings import PART, facts, opened, part
from tests.unit.router.domain.desk import ticket_id
from tests.unit.router.memory import Hall

MAIL = facts("en", "lamp", Priority.NORMAL, ChannelKind.EMAIL)


async def broken() -> Hall:
    """One item waits, and is to be taken from a partner who does not have it: that cannot be decided."""
    hall = Hall()
    await hall.configured(part(PART))
    await hall.happens(opened("t", MAIL))
    ((key, row),) = hall.rows.tables[tables.work_item.name].items()
    changed = {**json.loads(row), "done_by": (hall.now_ + timedelta(seconds=5)).isoformat()}
    hall.rows.tables[tables.work_item.name][key] = json.dumps(changed)
    await hall.load()
    hall.now_ += timedelta(seconds=10)
    return hall


async def test_what_is_due_and_cannot_be_decided_halts_its_workspace_and_nothing_else() -> None:
    hall = await broken()
    with pytest.raises(Halted):
        await hall.asked()
    assert len(hall.halts) == 1
    await hall.happens(opened("next", MAIL))
    await hall.asked(inputs.SetAgentState(agent_id="ann", state=AgentState.AVAILABLE, reason=None))
    items = [hall.state.live_item(ticket_id(name)) for name in ("t", "next")]
    assert [item.state for item in items if item] == [WorkState.OFFERED, WorkState.OFFERED]
    assert hall.engine.due_workspaces() == set()


async def test_another_configuration_has_it_tried_again() -> None:
    hall = await broken()
    with pytest.raises(Halted):
        await hall.asked()
    await hall.configured(part(PART))
    assert len(hall.halts) == 0
    with pytest.raises(Halted):
        await hall.asked()
