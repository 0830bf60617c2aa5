"""Telephone calls that providers tell about, in whatever order."""

import asyncio
import json
import random

from tests.eventually import eventually
from tests.integration.intake.hooks.vendors import Vendors
from tests.integration.intake.office import Json


async def ended_call(vendors: Vendors) -> Json:
    """The only call of the only ticket, once it has ended."""

    async def probe() -> Json:
        tickets = await vendors.tickets()
        assert len(tickets) == 1
        answer = await vendors.http.get(f"/v1/tickets/{tickets[0]['ticket_id']}/calls")
        assert answer.status_code == 200, answer.text
        (call,) = answer.json()["items"]
        assert call["outcome"] is not None
        return dict(call)

    return dict(await eventually(probe))


async def test_a_call_by_twilio_becomes_a_ticket_and_a_record(vendors: Vendors) -> None:
    said = {"CallSid": f"CA{1:032x}", "From": "+14155238886", "To": "+15550100", "Direction": "inbound"}
    steps = [("ringing", "10:00:00", {}), ("completed", "10:00:42", {"CallDuration": "42"})]
    for number, (status, at, more) in enumerate(steps):
        stamp = {"Timestamp": f"Mon, 02 Mar 2026 {at} +0000", "SequenceNumber": str(number)}
        form = {**said, **stamp, **more, "CallStatus": status}
        for _ in range(2):
            answer = await vendors.bring(vendors.twilio(form, channel="phone", provider="twilio-voice"))
            assert answer.headers["content-type"].startswith("text/xml")
    call = await ended_call(vendors)
    (ticket,) = await vendors.tickets()
    assert (ticket["channel"], ticket["status"]) == ("phone", "new")
    assert (call["outcome"], call["ring_s"], call["ivr_s"], call["talk_s"]) == ("missed", 42, 0, 0)
    assert (call["caller"], call["called"], ticket["labels"]) == (
        *("+14155238886", "+15550100"),
        {"call_outcome": "missed"},
    )


async def test_callbacks_by_twilio_out_of_order_and_repeated_make_one_record(vendors: Vendors) -> None:
    caller = {"CallSid": f"CA{1:032x}", "From": "+14155238886", "To": "+15550100", "Direction": "inbound"}
    agent = {"CallSid": f"CA{2:032x}", "ParentCallSid": caller["CallSid"], "From": "+15550100", "To": "client:ada"}

    def told(leg: Json, number: int, at: str, **more: str) -> Json:
        return {**leg, "Timestamp": f"Mon, 02 Mar 2026 10:{at} +0000", "SequenceNumber": str(number), **more}

    forms = [
        told(caller, 0, "00:00", CallStatus="ringing"),
        told(caller, 1, "00:02", CallStatus="in-progress"),
        told(agent, 0, "00:10", CallStatus="ringing"),
        told(agent, 1, "00:15", CallStatus="in-progress"),
        told(caller, 1, "00:30", StatusCallbackEvent="participant-hold"),
        told(caller, 2, "00:40", StatusCallbackEvent="participant-unhold"),
        told(agent, 2, "01:00", CallStatus="completed"),
        told(caller, 2, "01:00", CallStatus="completed", CallDuration="60"),
    ]
    calls = [vendors.twilio(form, channel="phone", provider="twilio-voice") for form in forms] * 3
    random.Random(11).shuffle(calls)
    await asyncio.gather(*map(vendors.bring, calls))

    async def probe() -> bool:
        call = await ended_call(vendors)
        times = {name: call[name] for name in ("ring_s", "ivr_s", "queue_s", "talk_s", "hold_s", "wrap_s")}
        assert times == {"ring_s": 7, "ivr_s": 8, "queue_s": 0, "talk_s": 35, "hold_s": 10, "wrap_s": 0}
        assert (call["outcome"], call["agent"], call["caller"]) == ("answered", "ada", "+14155238886")
        (ticket,) = await vendors.tickets()
        assert ticket["labels"] == {}
        return True

    await eventually(probe)


async def test_neutral_events_out_of_order_and_repeated_make_one_record(vendors: Vendors) -> None:
    def event(kind: str, seq: int, second: int, **data: object) -> bytes:
        at = f"2026-03-02T10:00:{second:02}Z"
        return json.dumps(
            {"type": f"call.{kind}", "data": {"call_id": "c-1", "seq": seq, "at": at, **data}}
        ).encode()

    events = [
        event("ringing", 1, 0, **{"from": "+49 30 123456"}),
        event("queued", 2, 2),
        event("answered", 3, 12, agent="ada"),
        event("held", 4, 20),
        event("resumed", 5, 25),
        event("ended", 6, 42),
        event("wrapped_up", 7, 52),
    ]
    calls = [vendors.standard(body, name=f"msg_{index}", channel="lines") for index, body in enumerate(events)] * 3
    random.Random(7).shuffle(calls)
    await asyncio.gather(*map(vendors.bring, calls))

    async def probe() -> Json:
        call = await ended_call(vendors)
        assert (call["wrap_s"], call["talk_s"], call["queue_s"]) == (10, 25, 10)
        return call

    call = dict(await eventually(probe))
    assert (call["outcome"], call["agent"], call["hold_s"]) == ("answered", "ada", 5)


async def test_what_cannot_be_a_call_is_put_aside(vendors: Vendors) -> None:
    body = b'{"type": "call.ended", "data": {"call_id": "c-1"}}'
    await vendors.bring(vendors.standard(body, channel="lines"))
    (item,) = await vendors.until_quarantined()
    assert "seq" in item["reason"]
    # A channel of another kind takes no calls.
    body = b'{"type": "call.ended", "data": {"call_id": "c-1", "seq": 1, "at": "2026-03-02T10:00:00Z"}}'
    await vendors.bring(vendors.standard(body, name="msg_2"))
    assert "calls" in (await vendors.until_quarantined(2))[1]["reason"]
