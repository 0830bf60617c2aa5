"""Too much at once: calls that are not read may come again, and whoever fills one door fills no other."""

import asyncio
from contextlib import closing

import pytest

from services.intake.adapters.hooks.door import HookDoor
from services.intake.domain.provider import ProviderName
from tests.integration.intake.hooks.vendors import Vendors
from tests.integration.intake.office import refused
from tests.room import occupied
from tests.unit.intake.adapters.hooks import documented

MB = 1 << 20


def door_of(vendors: Vendors) -> HookDoor:
    door = vendors.system.services["intake"].app.state.hooks
    assert isinstance(door, HookDoor)
    return door


async def test_while_mails_fill_their_room_there_is_room_for_all_other_calls(vendors: Vendors) -> None:
    mails = door_of(vendors).in_hand(ProviderName.SENDGRID)
    mail = vendors.sendgrid(documented.sendgrid(vendors.mail))
    with occupied(mails, mails.most - mails.size):
        answer = await vendors.send(mail)
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        await vendors.bring(vendors.twilio(vendors.a_text()))
        (ticket,) = await vendors.until_tickets(1)
        assert ticket["channel"] == "sms"
    await vendors.bring(mail)
    await vendors.until_tickets(2)


async def test_a_stranger_whose_bytes_drip_makes_room_for_a_provider(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = door_of(vendors).in_hand(ProviderName.SENDGRID)
    monkeypatch.setattr(mails, "_patience_s", 0.2)
    reader, writer = await asyncio.open_connection(vendors.anybody.base_url.host, vendors.anybody.base_url.port)
    with closing(writer), occupied(mails, mails.most - MB):
        head = f"POST /v1/hooks/nobody/sendgrid HTTP/1.1\r\nHost: x\r\nContent-Length: {10 * MB}\r\n\r\n"
        writer.write(head.encode() + bytes(MB - 1))
        await writer.drain()
        while mails.size < mails.most - 1:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await vendors.bring(vendors.sendgrid(documented.sendgrid(vendors.mail)))
        assert mails.size == mails.most - MB
        writer.write(b"x")
        assert (await reader.readline()).startswith(b"HTTP/1.1 503")
    await vendors.until_tickets(1)
