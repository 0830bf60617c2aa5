"""A person who is forgotten, whichever provider brought what they wrote."""

import base64
import json
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.integration.intake.hooks.vendors import Json, Vendors
from tests.integration.intake.scan import tables_with
from tests.unit.intake.adapters.hooks import documented

WHO, OTHER = "16505551234", "16505559876"
NAME = "zyzzyva"
MAIL = f"{NAME}@example.org"


async def customers(vendors: Vendors) -> dict[str, Json]:
    """Whoever wrote or called, by one of their identities."""
    found = {}
    for ticket in await vendors.tickets():
        answer = await vendors.http.get(f"/v1/customers/{ticket['customer_id']}")
        assert answer.status_code == 200, answer.text
        for identity in answer.json()["identities"]:
            found[identity["value"]] = answer.json()
    return found


async def places_with(vendors: Vendors, folder: Path, *texts: str) -> list[str]:
    """The tables and files in which any of these texts stands, with letters of any case, or as Base64."""
    found = await tables_with(vendors.system, vendors.workspace_id, *texts)
    wanted = [text.lower() for text in texts]
    for file in folder.glob("hooks*/hooks-blobs/**/*"):
        if file.is_file() and vendors.workspace_id in str(file):
            content = file.read_bytes().lower()
            found += [file.name] if any(text.encode() in content for text in wanted) else []
    return sorted(found)


async def bring_everything(vendors: Vendors) -> None:
    """What one person writes and says by every way, and what another one writes beside them."""
    known = base64.b64encode(b"\x18\x0b" + WHO.encode() + b"\x15\x02").decode()
    mine = documented.whatsapp_text(f"I am {NAME}", **{"from": WHO, "id": f"wamid.{known}"})
    others = documented.whatsapp_text("I am somebody else", **{"from": OTHER, "id": "wamid.other"})
    statuses = [{"id": "wamid.x", "status": "read", "timestamp": "1749416383", "recipient_id": WHO}]
    # Larger than what is kept in a row: it lies in a file.
    padded = {**documented.whatsapp(mine, others, statuses=statuses), "padding": "x" * 20_000}
    await vendors.bring(vendors.meta(json.dumps(padded).encode()))
    await vendors.bring(vendors.twilio(vendors.a_text(From=f"+{WHO}", Body=f"{NAME} again")))
    told = {"MessageSid": f"SM{9:032x}", "MessageStatus": "delivered", "To": f"+{WHO}", "From": "+15550100"}
    await vendors.bring(vendors.twilio(told))
    # Two messages that we do not know, with what their providers have to say about them.
    lost = {"MessageStatus": "failed", "ErrorMessage": f"{NAME} at +{WHO} is unknown", "ErrorCode": "30005"}
    await vendors.bring(vendors.twilio({**told, **lost, "MessageSid": f"SM{8:032x}"}))
    failed = {"type": "message.failed", "data": {"id": "o-1", "reason": f"{NAME} is unknown"}}
    await vendors.bring(vendors.standard(json.dumps(failed).encode(), name="msg_f"))
    ring = {"CallSid": f"CA{1:032x}", "From": f"+{WHO}", "To": "+15550100", "Direction": "inbound"}
    stamp = {"Timestamp": "Mon, 02 Mar 2026 10:00:00 +0000", "SequenceNumber": "0", "CallStatus": "ringing"}
    await vendors.bring(vendors.twilio({**ring, **stamp}, channel="phone", provider="twilio-voice"))
    data = {"call_id": "c-1", "seq": 1, "at": "2026-03-02T10:00:00Z", "from": f"+{WHO}"}
    event = json.dumps({"type": "call.ringing", "data": data}).encode()
    await vendors.bring(vendors.standard(event, name="msg_c", channel="lines"))
    # A channel that takes no calls keeps it in quarantine.
    await vendors.bring(vendors.standard(event, name="msg_q"))
    # Nobody can tell what these are.
    strange = {"object": "telepathy", "contacts": [{"wa_id": WHO, "profile": {"name": NAME}}]}
    await vendors.bring(vendors.meta(json.dumps(strange).encode()))
    await vendors.bring(vendors.twilio({"Body": NAME, "From": f"+{WHO}"}))
    await vendors.bring(vendors.sendgrid(looping(vendors)))
    await vendors.bring(vendors.sendgrid(unreadable(vendors)))


def looping(vendors: Vendors) -> documented.Form:
    """Mail of theirs that seems to be our own."""
    raw = f"From: {NAME} <{MAIL}>\r\nMessage-ID: <l@example.org>\r\nReceived: x\r\n".encode()
    return documented.sendgrid_raw(raw + b"Received: x\r\n" * 200 + b"\r\nHello.\r\n", to=vendors.mail)


def unreadable(vendors: Vendors) -> documented.Form:
    """Mail of theirs with more parts than are read."""
    raw = f"From: {NAME} <{MAIL}>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".encode()
    return documented.sendgrid_raw(raw + b"--b\n\n\n" * 300 + b"--b--", to=vendors.mail)


async def test_an_erased_person_is_in_no_row_and_no_file_and_others_stay(
    vendors: Vendors, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    await bring_everything(vendors)
    await vendors.until_quarantined(5)

    async def probe() -> bool:
        assert len(await vendors.tickets()) == 5
        return True

    await eventually(probe)
    written = await customers(vendors)
    person = written[f"+{WHO}"]["customer_id"]
    identities = [{"kind": "phone", "value": f"+{WHO}"}, {"kind": "email", "value": MAIL}]
    answer = await vendors.http.post("/v1/customers/identify", json={"identities": identities, "merge": True})
    assert answer.json()["customer_id"] == person, answer.text
    known = base64.b64encode(b"\x18\x0b" + WHO.encode() + b"\x15\x02").decode()
    assert await places_with(vendors, folder, WHO, NAME, known)
    gone = await vendors.http.delete(f"/v1/customers/{person}")
    assert gone.status_code == 204, gone.text

    async def nowhere() -> bool:
        assert await places_with(vendors, folder, WHO, NAME, known) == []
        return True

    await eventually(nowhere)
    assert await vendors.quarantine() == []
    other = written[f"+{OTHER}"]["customer_id"]
    (ticket,) = [ticket for ticket in await vendors.tickets() if ticket["customer_id"] == other]
    assert [message["text"] for message in await vendors.messages(ticket)] == ["I am somebody else"]
    # What comes again is known, and brings nobody back.
    mine = documented.whatsapp_text(f"I am {NAME}", **{"from": WHO, "id": f"wamid.{known}"})
    await vendors.bring(vendors.meta(json.dumps(documented.whatsapp(mine)).encode()))
    await vendors.until_settled()
    await eventually(nowhere)
