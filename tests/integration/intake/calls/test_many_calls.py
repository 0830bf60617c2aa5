"""Calls without end: of many callers, of one number, about one ticket, and one that goes on and on."""

import time
from datetime import timedelta

from sqlalchemy import text

from services.intake.domain.call import MOST_EVENTS
from shared.db.unit_of_work import Tx
from tests.integration.intake.calls.switchboard import ABANDONED, MISSED, START, Switchboard, call
from tests.integration.intake.office import Json

_MANY = text(
    "INSERT INTO call (workspace_id, call_id, channel, provider_call_id, shard, ticket_id, has_opened, phase,"
    " started_at, ended_at, outcome, transfers, ivr_s, queue_s, ring_s, talk_s, hold_s, wrap_s, revision, is_owed)"
    " SELECT workspace_id, gen_random_uuid(), channel, 'robot-' || n, shard, ticket_id, false, phase,"
    " started_at, ended_at, outcome, 0, 0, 0, 25, 0, 0, 0, 1, is_owed"
    " FROM call CROSS JOIN generate_series(1, 20000) AS n WHERE workspace_id = :workspace_id"
)


async def test_a_thousand_events_of_many_calls_are_taken_at_once(switchboard: Switchboard) -> None:
    steps = ("ringing@0", "queued@3", "answered@20", "ended@90")
    callers = [(f"c-{number}", f"+49301{number:06}") for number in range(250)]
    events = [event for name, caller in callers for event in call(*steps, call_id=name, caller=caller)]
    items = await switchboard.report(events[::-1])
    assert {item["disposition"] for item in items} == {"recorded"}
    assert len({item["ticket_id"] for item in items}) == 250


async def test_a_ticket_says_what_the_last_of_its_calls_leaves_to_be_done(switchboard: Switchboard) -> None:
    ringing, queued, answered, ended = call("ringing@60", "queued@63", "answered@90", "ended@100", call_id="c-2")
    await switchboard.report(call(*MISSED))
    await switchboard.report([ringing, queued, ended])
    assert (await switchboard.ticket())["labels"] == {"call_outcome": "abandoned"}
    # Told last, but of a time before.
    await switchboard.report(call("ringing@0", "ended@10", call_id="c-3", ended={"outcome": "failed"}))
    assert (await switchboard.ticket())["labels"] == {"call_outcome": "abandoned"}
    await switchboard.report([answered])
    assert (await switchboard.ticket())["labels"] == {"call_outcome": "missed"}


async def test_an_event_costs_the_same_however_many_calls_its_ticket_has(switchboard: Switchboard) -> None:
    await switchboard.report(call(*MISSED))
    office = switchboard.office

    async def unit(tx: Tx) -> None:
        await tx.execute(_MANY, {"workspace_id": office.workspace_id})

    database = office.system.services["intake"].runtime.database
    await database.transact(unit, workspaces=[office.workspace_id])
    later = [_moved(call(*ABANDONED, call_id=f"again-{number}"), timedelta(hours=1)) for number in range(4)]
    began = time.monotonic()
    for events in later:
        for event in events:
            await switchboard.report([event])
    # Twelve events: to look at each call of the ticket for each of them takes nearly ten seconds.
    assert time.monotonic() - began < 3
    assert (await switchboard.ticket())["labels"] == {"call_outcome": "abandoned"}


async def test_a_call_that_never_ends_is_told_about_a_thousand_times(switchboard: Switchboard) -> None:
    events = call("ringing@0", *["held@1", "resumed@2"] * (MOST_EVENTS // 2), "ended@3")
    items = await switchboard.report(events[: MOST_EVENTS - 1])
    assert {item["disposition"] for item in items} == {"recorded"}
    items = await switchboard.report(events[MOST_EVENTS - 2 :])
    assert [item["disposition"] for item in items] == ["duplicate", "recorded", "rejected", "rejected"]
    assert str(MOST_EVENTS) in items[-1]["reason"]
    items = await switchboard.report([events[0], events[-1]])
    assert [item["disposition"] for item in items] == ["duplicate", "rejected"]
    (kept,) = await switchboard.calls((await switchboard.ticket())["ticket_id"])
    assert kept["outcome"] is None


def _moved(events: list[Json], by: timedelta) -> list[Json]:
    """The same, later."""
    for event in events:
        at = type(START).fromisoformat(event["data"]["at"])
        event["data"]["at"] = (at + by).isoformat()
    return events
