"""What callers are told who reached nobody."""

from sqlalchemy import text

from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.calls.switchboard import ABANDONED, ANSWERED, MISSED, call
from tests.integration.intake.notices import outcomes
from tests.integration.intake.outbound.desk import Desk
from tests.integration.intake.vendors import Json
from tests.shards import SHARDS

SEEN: Json = {"id": "seen", "purpose": "ack", "texts": {"en": {"text": "We saw your call (#{{ticket.number}})."}}}
_EARLIER = text(
    "UPDATE notice SET since = since - interval '1 minute', due_at = due_at - interval '1 minute'"
    " WHERE workspace_id = :workspace_id AND state = 'due'"
)
_LATER_RELEASE = text(
    "INSERT INTO notice (workspace_id, ticket_id, reason, shard, state, since, due_at, is_verified)"
    " SELECT workspace_id, ticket_id, 'nobody knows', shard, state, since, due_at - interval '1 minute', false"
    " FROM notice WHERE workspace_id = :workspace_id ORDER BY ticket_id LIMIT 1"
)
_OUT = text("INSERT INTO opt_out VALUES (:workspace_id, 'texts', 'phone', '+4930000003', clock_timestamp())")

_MAILED = text(
    "SELECT m.delivered_to ->> 0 AS recipient FROM message m JOIN delivery d USING (workspace_id, message_id)"
    " WHERE m.workspace_id = :workspace_id AND d.channel_kind = 'email'"
)


async def test_who_reached_nobody_is_told_once_that_their_call_was_seen(desk: Desk) -> None:
    hotline = {
        "id": "hotline",
        "kind": "voice",
        "notices": {"callback": {"template": "seen", "by": "texts"}},
        "short_abandon": "5s",
    }
    office = {"id": "office", "kind": "voice", "notices": {"callback": {"template": "seen", "by": "mail"}}}
    mail = {"id": "mail", "kind": "email", "address": f"{desk.workspace_id[:20]}@acme.example"}
    part = {"channels": [hotline, office, mail, desk.channels()[1]], "templates": [SEEN]}
    answer = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    named = {"workspace_id": desk.workspace_id}

    async def report(number: int, steps: tuple[str, ...], caller: str, channel: str = "hotline") -> None:
        events = call(*steps, call_id=f"c-{number}", caller=caller, ringing={"to": "+49409990"})
        told = await desk.http.post(f"/v1/channels/{channel}/call-events", json=events)
        assert told.status_code == 200, told.text

    async def opt_out(tx: Tx) -> None:
        await tx.execute(_OUT, named)

    async def plan_later(tx: Tx) -> None:
        await tx.execute(_LATER_RELEASE, named)

    async def come_due(tx: Tx) -> None:
        await tx.execute(_EARLIER, named)

    async def sent(tx: Tx) -> list[str]:
        return [row.recipient for row in await tx.execute(_MAILED, named)]

    await desk.database.transact(opt_out, workspaces=[desk.workspace_id])
    await report(1, ABANDONED, "+4930000001")
    await report(2, MISSED, "+4930000002")
    # They have called again, and somebody has answered.
    later = tuple(f"{step.partition('@')[0]}@{100 + float(step.partition('@')[2])}" for step in ANSWERED)
    await report(3, later, "+4930000002")
    await report(4, MISSED, "+4930000003")
    await report(5, MISSED, "anonymous")
    await report(6, ANSWERED, "+4930000006")
    known = [{"kind": "phone", "value": "+4930000007"}, {"kind": "email", "value": "ada@example.org"}]
    identified = await desk.http.post("/v1/customers/identify", json={"identities": known})
    assert identified.is_success, identified.text
    await report(7, MISSED, "+4930000007", "office")
    await report(8, MISSED, "+4930000008", "office")
    await report(10, MISSED, "+33142685300")
    await report(11, MISSED, "+499001234567")
    await desk.database.transact(plan_later, workspaces=[desk.workspace_id])
    await desk.database.transact(come_due, workspaces=[desk.workspace_id])
    desk.system.services["intake"].app.state.answering.bells.ring(range(SHARDS))

    async def settled(*later: tuple[str, str, str]) -> bool:
        assert await outcomes(desk.system, desk.workspace_id) == [
            ("callback", "sent", None),
            ("nobody knows", "due", None),
            ("callback", "withheld", "called_again"),
            ("callback", "withheld", "opted_out"),
            ("callback", "withheld", "no_address"),
            ("callback", "sent", None),
            ("callback", "withheld", "no_address"),
            ("callback", "withheld", "foreign_number"),
            ("callback", "withheld", "costly_number"),
            *later,
        ]
        return True

    await eventually(settled)
    (asked,) = await desk.vendors.until(f"AC-{desk.workspace_id}")
    assert (asked.form["To"], asked.form["Body"]) == ("+4930000001", "We saw your call (#1).")
    assert await desk.database.transact(sent, workspaces=[desk.workspace_id]) == ["ada@example.org"]
    # Nobody is told a second time.
    await report(9, MISSED, "+4930000001")
    assert await settled()
    # Any number can be made up: a workspace texts only so many callers.
    await report(12, MISSED, "+4930000012")
    await desk.database.transact(come_due, workspaces=[desk.workspace_id])
    desk.system.services["intake"].app.state.answering.bells.ring(range(SHARDS))
    await eventually(lambda: settled(("callback", "withheld", "too_many_callbacks")))
