"""What becomes of calls: each is a ticket or joins one, in whatever order its events come."""

import asyncio

import pytest

from services.intake.domain.reopening import OF_TICKET
from shared.events.tickets import CallEndedV1, TicketUpdatedV1
from shared.vocabulary import CallOutcome
from tests.eventually import eventually
from tests.integration.intake.calls.switchboard import (
    ABANDONED,
    ANSWERED,
    CALLER,
    MISSED,
    SHORT,
    Switchboard,
    call,
)
from tests.integration.intake.office import refused, shown

AGENT = {"agent": "ada"}


def times(told: object) -> dict[str, float]:
    names = ("ivr_s", "queue_s", "ring_s", "talk_s", "hold_s", "wrap_s")
    values = told if isinstance(told, dict) else vars(told)
    return {name: values[name] for name in names}


async def test_a_call_opens_a_ticket_when_it_rings_and_ends_with_its_times(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, answered=AGENT)
    (ringing,) = await switchboard.report(events[:1])
    ticket = await switchboard.ticket()
    assert (ringing["disposition"], ringing["ticket_id"]) == ("recorded", ticket["ticket_id"])
    assert (ticket["status"], ticket["channel_kind"], ticket["subject"]) == ("new", "voice", f"Call from {CALLER}")
    (live,) = await switchboard.calls(ticket["ticket_id"])
    assert (live["phase"], live["caller"], live["outcome"]) == ("ringing", CALLER, None)
    await switchboard.report(events[1:])
    assert (await switchboard.ticket())["labels"] == {}
    opened, told = await switchboard.office.told(ticket["ticket_id"], "ticket.opened", "call.ended")
    ended = told.data
    assert isinstance(ended, CallEndedV1)
    spent = {"ivr_s": 0, "queue_s": 17, "ring_s": 3, "talk_s": 60, "hold_s": 10, "wrap_s": 30}
    assert times(ended) == spent
    assert (ended.outcome, ended.agent_id, ended.revision) == (CallOutcome.ANSWERED, "ada", 1)
    (kept,) = await switchboard.calls(ticket["ticket_id"])
    assert times(kept) == spent
    assert (kept["call_id"], kept["agent"], kept["phase"]) == (str(ended.call_id), "ada", "ended")
    timeline = await switchboard.office.timeline(ticket["ticket_id"])
    assert shown(timeline) == ["ticket.opened", "call.ended"]
    assert timeline[1]["event"]["data"]["talk_s"] == 60
    assert CALLER not in str(opened.data) + str(ended)
    assert [item["number"] for item in await switchboard.tickets(text="4930123456")] == [ticket["number"]]


async def test_everything_three_times_at_once_and_out_of_order_is_the_same_call(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, answered=AGENT)
    shuffled = [events[place] for place in (5, 2, 6, 4, 0, 3, 1)]
    await asyncio.gather(*(switchboard.report([event]) for event in shuffled * 3))
    ticket = await switchboard.ticket()
    assert (ticket["status"], ticket["labels"]) == ("new", {})
    (kept,) = await switchboard.calls(ticket["ticket_id"])
    assert times(kept) == {"ivr_s": 0, "queue_s": 17, "ring_s": 3, "talk_s": 60, "hold_s": 10, "wrap_s": 30}

    async def all_told() -> list[CallEndedV1]:
        ends = await switchboard.ends(ticket["ticket_id"])
        assert [end.revision for end in ends] == list(range(1, kept["revision"] + 1))
        return ends

    assert times((await eventually(all_told))[-1]) == times(kept)
    again = await switchboard.report(shuffled)
    assert {item["disposition"] for item in again} == {"duplicate"}
    assert (await switchboard.calls(ticket["ticket_id"]))[0]["revision"] == kept["revision"]


async def test_a_late_wrap_up_repeats_the_end_with_a_higher_revision(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, answered=AGENT)
    await switchboard.report(events[:-1])
    ticket = await switchboard.ticket()
    await switchboard.office.change(ticket["ticket_id"], status="solved")
    await switchboard.office.change(ticket["ticket_id"], status="closed")
    await switchboard.report(events[-1:])
    status = "ticket.status_changed"
    await switchboard.office.told(ticket["ticket_id"], "ticket.opened", "call.ended", status, status, "call.ended")
    ends = await switchboard.ends(ticket["ticket_id"])
    assert [(end.revision, end.wrap_s) for end in ends] == [(1, 0), (2, 30)]
    assert (await switchboard.ticket())["status"] == "closed"


async def test_two_calls_of_one_number_at_once_are_one_ticket(switchboard: Switchboard) -> None:
    both = [call(*ANSWERED, call_id=name, answered=AGENT) for name in ("c-1", "c-2")]
    await asyncio.gather(*(switchboard.report([event]) for events in both for event in events))
    ticket = await switchboard.ticket()
    assert len(await switchboard.calls(ticket["ticket_id"])) == 2


async def test_one_number_written_otherwise_is_one_caller_and_each_channel_has_tickets_of_its_own(
    switchboard: Switchboard,
) -> None:
    await switchboard.report(call("ringing@0", call_id="c-1"))
    await switchboard.report(call("ringing@0", call_id="c-2", caller="030 123456"))
    await switchboard.report(call("ringing@0", call_id="c-3"), channel="shop")
    tickets = await switchboard.tickets()
    assert [ticket["channel"] for ticket in tickets] == ["hotline", "shop"]
    assert len({ticket["customer_id"] for ticket in tickets}) == 1


async def test_callers_without_a_number_are_strangers_to_each_other(switchboard: Switchboard) -> None:
    await switchboard.report(call("ringing@0", call_id="c-1", caller="anonymous"))
    await switchboard.report(call("ringing@0", call_id="c-2", caller=None))
    tickets = await switchboard.tickets()
    assert [ticket["subject"] for ticket in tickets] == ["Call", "Call"]
    assert len({ticket["customer_id"] for ticket in tickets}) == 2


@pytest.mark.parametrize(("steps", "outcome"), [(ABANDONED, "abandoned"), (MISSED, "missed")])
async def test_who_was_not_answered_leaves_an_open_ticket_that_says_so(
    switchboard: Switchboard, steps: tuple[str, ...], outcome: str
) -> None:
    await switchboard.report(reversed(call(*steps)))
    ticket = await switchboard.ticket()
    assert (ticket["status"], ticket["assignee_id"], ticket["labels"]) == ("new", None, {"call_outcome": outcome})
    assert ticket["sources"] == {"labels/call_outcome": "system"}
    await switchboard.report(call(*steps, call_id="c-2"))
    assert len(await switchboard.calls((await switchboard.ticket())["ticket_id"])) == 2
    await switchboard.settle()
    assert (await switchboard.ticket())["status"] == "new"
    (found,) = await switchboard.tickets(label=f"call_outcome:{outcome}", status="new")
    assert found["ticket_id"] == ticket["ticket_id"]


async def test_an_answer_that_was_told_late_takes_the_label_away(switchboard: Switchboard) -> None:
    ringing, queued, answered, ended = call("ringing@0", "queued@3", "answered@30", "ended@40")
    await switchboard.report([ringing, queued, ended])
    assert (await switchboard.ticket())["labels"] == {"call_outcome": "abandoned"}
    await switchboard.report([answered])
    ticket = await switchboard.ticket()
    assert (ticket["labels"], ticket["sources"]) == ({}, {})
    (kept,) = await switchboard.calls(ticket["ticket_id"])
    assert (kept["outcome"], kept["talk_s"], kept["revision"]) == ("answered", 10, 2)


async def test_a_waiting_ticket_wakes_when_its_customer_calls_and_a_solved_one_opens_again(
    switchboard: Switchboard,
) -> None:
    await switchboard.report(call(*ANSWERED, answered=AGENT))
    ticket_id = (await switchboard.ticket())["ticket_id"]
    for number, status in enumerate(("pending", "solved")):
        await switchboard.office.change(ticket_id, status=status)
        await switchboard.report(call(*MISSED, call_id=f"again-{number}"))
        assert (await switchboard.ticket())["status"] == "open"
    await switchboard.office.change(ticket_id, status="solved")
    await switchboard.office.change(ticket_id, status="closed")
    await switchboard.report(call(*MISSED, call_id="later"))
    assert [ticket["status"] for ticket in await switchboard.tickets()] == ["closed", "new"]


async def test_what_a_person_did_with_the_label_stays(switchboard: Switchboard) -> None:
    await switchboard.report(call(*MISSED))
    ticket_id = (await switchboard.ticket())["ticket_id"]
    await switchboard.office.change(ticket_id, labels={"call_outcome": None})
    await switchboard.report(call(*ABANDONED, call_id="c-2"))
    assert (await switchboard.ticket())["labels"] == {}


async def test_rules_see_how_a_call_ended(switchboard: Switchboard) -> None:
    rule = {"name": "back", "when": 'message.labels.call_outcome == "abandoned"', "priority": "high"}
    channels = [{"id": "hotline", "kind": "voice"}]
    await switchboard.office.configure(channels=channels, rules=[rule])
    await switchboard.report(call(*ABANDONED))
    ticket = await switchboard.ticket()
    assert (ticket["priority"], ticket["sources"]["priority"]) == ("high", "rule:back@2")


async def test_who_hung_up_at_once_is_recorded_and_nobody_works_on_it(switchboard: Switchboard) -> None:
    await switchboard.report(call(*SHORT))
    ticket = await switchboard.ticket()
    assert (ticket["status"], ticket["labels"]) == ("new", {})
    await switchboard.settle()
    await switchboard.until(status="closed", labels={"call_outcome": "short_abandoned"})
    status = "ticket.status_changed"
    await switchboard.office.told(
        ticket["ticket_id"], "ticket.opened", "call.ended", "ticket.updated", status, status
    )
    await switchboard.report(call(*MISSED, call_id="c-2"))
    assert len(await switchboard.tickets()) == 2


async def test_a_channel_says_how_soon_is_too_soon(switchboard: Switchboard) -> None:
    channels = [{"id": "hotline", "kind": "voice", "short_abandon": "2s"}]
    await switchboard.office.configure(channels=channels)
    await switchboard.report(call(*SHORT))
    assert (await switchboard.ticket())["labels"] == {"call_outcome": "abandoned"}


async def test_a_short_call_that_is_not_alone_on_its_ticket_leaves_it_as_it_is(switchboard: Switchboard) -> None:
    await switchboard.report([*call(*SHORT), *call("ringing@5", call_id="c-2")])
    ticket = await switchboard.ticket()
    await switchboard.settle()
    await eventually(switchboard.is_settled)
    assert (await switchboard.office.ticket(ticket["ticket_id"]))["status"] == "new"


async def test_who_calls_may_be_told_last_and_is_waited_for(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, answered=AGENT)
    first = await switchboard.report(events[1:])
    assert {(item["disposition"], item["ticket_id"]) for item in first} == {("recorded", None)}
    await switchboard.report(events[:1])
    ticket = await switchboard.ticket()
    assert ticket["subject"] == f"Call from {CALLER}"
    await switchboard.office.told(ticket["ticket_id"], "ticket.opened", "call.ended")


async def test_a_call_of_which_nobody_tells_who_calls_gets_a_ticket_all_the_same(switchboard: Switchboard) -> None:
    events = call(*ABANDONED)
    await switchboard.report(events[1:])
    assert await switchboard.tickets() == []
    await switchboard.settle()

    unknown = await switchboard.until(labels={"call_outcome": "abandoned"})
    await switchboard.report(events[:1])
    known = await switchboard.ticket()
    assert known["customer_id"] != unknown["customer_id"]

    async def now_of() -> list[str]:
        events = await switchboard.office.everything_told()
        updates = [event.data for event in events if isinstance(event.data, TicketUpdatedV1)]
        return [str(update.facts.customer.customer_id) for update in updates if "customer" in update.changed]

    assert await eventually(now_of) == [known["customer_id"]]


async def test_a_merged_tickets_calls_go_on_in_the_one_that_took_it_up(switchboard: Switchboard) -> None:
    events = call(*ABANDONED)
    await switchboard.report(events[:2])
    source = (await switchboard.ticket())["ticket_id"]
    target = await switchboard.office.open_ticket()
    await switchboard.http.post(f"/v1/tickets/{source}/merge", json={"into": target})
    await switchboard.report(events[2:])
    ticket = await switchboard.office.ticket(target)
    assert ticket["labels"] == {"call_outcome": "abandoned"}
    (kept,) = await switchboard.calls(target)
    assert (kept["ticket_id"], await switchboard.calls(source)) == (target, [])


async def test_of_a_person_who_is_erased_the_times_of_their_calls_stay(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, "recorded@130", recorded={"recording_url": "https://voice.example/1.mp3"})
    events[0]["data"]["from"] = {"phone": CALLER, "name": "Canary"}
    await switchboard.report(events[:1])
    ticket = await switchboard.ticket()
    somebody_elses = await switchboard.office.open_ticket()
    await switchboard.http.post(f"/v1/tickets/{ticket['ticket_id']}/merge", json={"into": somebody_elses})
    await switchboard.report(events[1:])
    admin = await switchboard.office.tool("admin")
    assert (await admin.delete(f"/v1/customers/{ticket['customer_id']}")).status_code == 204
    (kept,) = await switchboard.calls(somebody_elses)
    assert (kept["talk_s"], kept["caller"], kept["name"], kept["called"]) == (60, None, None, None)
    assert await switchboard.told_of_calls() == {None}


async def test_each_bad_event_of_a_batch_fails_alone(switchboard: Switchboard) -> None:
    good = call("ringing@0")[0]
    items = await switchboard.report(
        [
            good,
            {**good, "type": "call.exploded"},
            {**good, "data": {**good["data"], "at": "yesterday"}},
            {**good, "data": {**good["data"], "colour": "red"}},
            {"event": "none"},
            good,
        ]
    )
    assert [item["disposition"] for item in items] == ["recorded", *["rejected"] * 4, "duplicate"]
    assert items[2]["errors"][0]["pointer"] == "/data/at"
    (refusal,) = await switchboard.report([good], channel="api")
    assert (refusal["disposition"], refusal["errors"][0]["pointer"]) == ("rejected", "/channel")
    assert (await switchboard.report([good], channel="fax"))[0]["disposition"] == "rejected"
    refused(await switchboard.http.post("/v1/channels/hotline/call-events", json=[]), 422, "invalid-input")
    reader = await switchboard.office.tool("tickets:read")
    answer = await reader.post("/v1/channels/hotline/call-events", json=[good])
    assert answer.status_code == 403


async def test_calls_reopen_a_ticket_no_more_often_than_messages_may(switchboard: Switchboard) -> None:
    await switchboard.report(call(*ANSWERED, answered=AGENT))
    ticket = await switchboard.ticket()
    for number in range(OF_TICKET + 1):
        await switchboard.office.change(ticket["ticket_id"], status="solved")
        await switchboard.report(call(*ANSWERED, call_id=f"again-{number}", answered=AGENT))
        expected = "open" if number < OF_TICKET else "solved"
        assert (await switchboard.ticket())["status"] == expected
    assert len(await switchboard.calls(ticket["ticket_id"])) == OF_TICKET + 2
    # A message of theirs finds the cap reached as well.
    body = {"sender": {"phone": CALLER}, "ticket_id": ticket["ticket_id"]}
    assert (await switchboard.office.send(**body))["reason"] == "reopened_too_often"
