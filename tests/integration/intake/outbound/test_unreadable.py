"""A workspace whose stored configuration cannot be read any more, as after rules that became stricter."""

from sqlalchemy import text

from services.intake.domain.workspace import UNREADABLE
from tests.eventually import eventually
from tests.integration.intake.office import refused
from tests.integration.intake.outbound.desk import Desk
from tests.integration.intake.vendors import Scripted
from tests.system import System

_SPOIL = text(
    "UPDATE configuration SET version = version + 1, body = jsonb_set(body, '{channels,0,kind}', '\"telepathy\"')"
    " WHERE workspace_id = :workspace_id"
)


async def spoil(desk: Desk) -> None:
    parameters = {"workspace_id": desk.workspace_id}
    await desk.database.transact(lambda tx: tx.execute(_SPOIL, parameters), workspaces=[desk.workspace_id])


async def test_its_work_waits_and_nobody_else_s_until_it_is_applied_again(desk: Desk, intake: System) -> None:
    ticket_id = await desk.ticket("other", {"handle": "ada-42"})
    desk.vendors.script(desk.words, Scripted(500, {}, {"retry-after": "1"}))
    receipt = await desk.reply(ticket_id)
    await spoil(desk)

    async def waits() -> bool:
        delivery = await desk.delivery(receipt["message"]["message_id"])
        assert (delivery["state"], delivery["last_error"]) == ("queued", UNREADABLE)
        return True

    await eventually(waits)
    message = {"channel": "api", "from": {"handle": "ada-42"}, "text": "Hello?"}
    refused(await desk.http.post("/v1/messages", json=message), 409, "illegal-transition")
    refused(await desk.try_reply(ticket_id, "Hello!"), 409, "illegal-transition")
    assert (await desk.http.get("/v1/configuration")).json()["configuration"]["channels"] == []
    other = await Desk.open(intake, desk.vendors, f"{desk.workspace_id}-other")
    await other.until(await other.reply(await other.ticket("other", {"handle": "bob-1"})), "sent")
    await desk.configure(*desk.channels())
    assert (await desk.http.post("/v1/messages", json=message)).status_code == 201
