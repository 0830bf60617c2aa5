"""Telling people by mail and systems by webhook: signed, repeated until it works, and visible when it does not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Json, target
from tests.integration.outside import Call, Mail, Mailbox, Website

KEY = b"a key of thirty-two bytes, or so"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


async def escalated(desk: Desk, website: Website, **notify: object) -> None:
    """A ticket `t` whose breach notifies."""
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": notify}]}],
        contacts=[{"agent": "ann", "name": "Ann", "email": f"ann@{desk.workspace_id}.example"}],
        webhooks=[{"id": "pager", "url": website.url(f"/{desk.workspace_id}"), "secret": SECRET}],
    )
    desk.opened("t", -20)
    await desk.tell()


async def notification(desk: Desk, **fields: object) -> Json:
    """The only one, once it is like this."""

    async def probe() -> Json:
        found = await desk.notifications()
        assert len(found) == 1
        assert {name: found[0][name] for name in fields} == fields
        return found[0]

    return dict(await eventually(probe, within_s=15))


async def test_agents_and_addresses_get_a_mail_that_tells_facts_only(
    desk: Desk, mailbox: Mailbox, website: Website
) -> None:
    """Also which promise was broken (glpi#2908: a reminder of one promise goes by another)."""
    lead = f"lead@{desk.workspace_id}.example"
    await escalated(desk, website, agents=["ann"], emails=[lead])
    for address in (f"ann@{desk.workspace_id}.example", lead):
        (mail,) = await _mails(mailbox, address)
        assert mail.sender == "<>"
        assert mail.message["From"] == "Waypost <support@waypost.example>"
        assert mail.message["To"] == address
        assert mail.message["Subject"] == "Ticket 1 is escalated: first reply, level 1"
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert "Escalation policy: chain" in mail.message.get_content()

    async def all_sent() -> list[Json]:
        found = await desk.notifications(state="sent")
        assert len(found) == 2
        return found

    ids = {item["notification_id"] for item in await eventually(all_sent)}
    sent = [mail for mail in mailbox.mails if desk.workspace_id in mail.recipients[0]]
    assert {mail.message["Message-ID"] for mail in sent} == {f"<{item}@waypost.example>" for item in ids}


async def _mails(mailbox: Mailbox, address: str) -> list[Mail]:
    return list(await eventually(lambda: mailbox.to(address)))


async def test_a_webhook_is_signed_and_names_the_same_id_at_every_attempt(desk: Desk, website: Website) -> None:
    path = f"/{desk.workspace_id}"
    website.answers[path] = [503, 301]
    await escalated(desk, website, webhooks=["pager"])
    waiting = await notification(desk, state="pending", attempts=1, detail="answered 503")
    await desk.system.travel(timedelta(seconds=5))
    await notification(desk, state="pending", attempts=2, detail="answered 301")
    await desk.system.travel(timedelta(minutes=5))
    sent = await notification(desk, state="sent", attempts=3, detail=None)
    calls = website.to(path)
    assert [_is_signed(call) for call in calls] == [True] * 3
    assert {call.headers["webhook-id"] for call in calls} == {waiting["notification_id"]}
    assert len({call.body for call in calls}) == 1
    assert website.to("/moved") == []
    body = json.loads(calls[0].body)
    assert body["type"] == "escalation.raised"
    assert body["data"]["escalation_id"] == sent["escalation_id"]
    assert body["data"]["metric"] == "first_reply"


def _is_signed(call: Call) -> bool:
    """As the receiver checks it."""
    content = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    expected = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    return call.headers["webhook-signature"] == f"v1,{expected}"


async def test_a_webhook_that_is_gone_gets_nothing_more(desk: Desk, website: Website) -> None:
    path = f"/{desk.workspace_id}"
    website.answers[path] = [410]
    await escalated(desk, website, webhooks=["pager"])
    await notification(desk, state="disabled", attempts=1, detail="answered 410")
    desk.opened("u", -20)
    await desk.tell()

    async def both() -> bool:
        found = await desk.notifications(state="disabled")
        assert [item["detail"] for item in found] == ["answered 410 before", "answered 410"]
        return True

    await eventually(both)
    assert len(website.to(path)) == 1
    (listed,) = (await desk.http.get("/v1/webhooks")).json()["items"]
    assert (listed["id"], listed["state"], listed["disabled_at"] is not None) == ("pager", "disabled", True)
    enabled = await desk.http.post("/v1/webhooks/pager/enable")
    assert enabled.json() == {"id": "pager", "state": "enabled", "disabled_at": None}
    assert (await desk.http.post("/v1/webhooks/other/enable")).status_code == 404
    desk.opened("v", -20)
    await desk.tell()
    await eventually(lambda: len(website.to(path)) == 2)


async def test_who_asks_to_be_left_alone_gets_nothing_new_before_either(desk: Desk, website: Website) -> None:
    path = f"/{desk.workspace_id}"
    website.answers[path] = [429]
    website.retry_after[path] = "600"
    await escalated(desk, website, webhooks=["pager"])
    await notification(desk, state="pending", attempts=1, detail="answered 429")
    desk.opened("u", -20)
    await desk.tell()

    async def both_wait() -> list[Json]:
        found = await desk.notifications(state="pending")
        assert [item["message_id"] is not None for item in found] == [True, True]
        return found

    newer, older = await eventually(both_wait)
    assert newer["next_attempt_at"] == older["next_attempt_at"]
    await desk.system.travel(timedelta(minutes=5))
    assert len(website.to(path)) == 1
    await desk.system.travel(timedelta(minutes=6))
    await eventually(lambda: len(website.to(path)) == 3)


async def test_a_mail_server_that_is_busy_is_tried_again_and_a_refusal_is_final(
    desk: Desk, mailbox: Mailbox, website: Website
) -> None:
    mailbox.refusals[f"ann@{desk.workspace_id}.example"] = ["451 Later", "550 Nobody here"]
    await escalated(desk, website, agents=["ann"])
    await notification(desk, state="pending", attempts=1, detail="mail server: 451")
    await desk.system.travel(timedelta(seconds=5))
    await notification(desk, state="failed", attempts=2, detail="refused: 550")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/hook",
        "http://example.org/hook",
        "https://example.org:8443/",
        "https://user:pass@example.org/",
    ],
)
async def test_an_address_that_could_lead_into_our_network_is_refused(desk: Desk, url: str) -> None:
    body = {"webhooks": [{"id": "hook", "url": url, "secret": SECRET}]}
    answer = await desk.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/webhooks/0/url"


async def test_a_name_that_points_to_a_private_address_is_not_called(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": {"webhooks": ["hook"]}}]}],
        webhooks=[{"id": "hook", "url": "https://127.0.0.1/", "secret": SECRET}],
    )
    desk.opened("t", -20)
    await desk.tell()
    await notification(desk, state="pending", attempts=1, detail="the address is not a public one")


async def test_secrets_are_stored_sealed(desk: Desk, website: Website) -> None:
    await escalated(desk, website, webhooks=["pager"])
    bodies = await desk.rows(
        "SELECT body::text AS body FROM policy_version WHERE workspace_id = :ws"
        " UNION ALL SELECT body::text FROM configuration WHERE workspace_id = :ws",
        ws=desk.workspace_id,
    )
    assert len(bodies) == 2
    assert all("sealed:" in row.body and "whsec_" not in row.body for row in bodies)
    configured = (await desk.http.get("/v1/configuration")).json()
    assert configured["configuration"]["webhooks"][0]["secret"].startswith("sealed:")
    again = await desk.http.put("/v1/configuration", json=configured["configuration"], headers={"If-Match": '"1"'})
    assert (again.status_code, again.json()["version"], again.json()["changes"]) == (200, 1, [])


async def test_a_secret_that_cannot_sign_is_refused_as_it_is_written(desk: Desk) -> None:
    for secret in ("hunter2!", "whsec_c2hvcnQ=", "sealed:c2VhbGVkIGVsc2V3aGVyZQ=="):
        body = {"webhooks": [{"id": "hook", "url": "https://example.org/", "secret": secret}]}
        answer = await desk.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
        assert answer.status_code == 422
        assert [problem["pointer"] for problem in answer.json()["errors"]] == ["/webhooks/0/secret"]
        assert secret not in answer.text


async def test_libredesk_webhooks_wait_in_rows_and_none_is_lost_with_a_process_that_stops(
    desk: Desk, website: Website
) -> None:
    """There they wait in memory, 10,000 at most: what finds no place, or a process that ends, is never posted."""
    path, behind = f"/{desk.workspace_id}", 20
    await escalated(desk, website, webhooks=["pager"])
    first = await notification(desk, state="sent")
    # What a process leaves that stops during its attempt, with more to tell behind it: rows, and nothing else.
    await desk.rows(_CUT_OFF.format("message", "next_attempt_at = now()"), ws=desk.workspace_id)
    await desk.rows(_CUT_OFF.format("notification", "detail = NULL"), ws=desk.workspace_id)
    await desk.rows(_BEHIND, ws=desk.workspace_id, behind=behind)
    # As at the start of a process: it asks what there is.
    await desk.system.travel(timedelta())

    async def posted() -> Sequence[str]:
        ids = [call.headers["webhook-id"] for call in website.to(path)]
        assert len(ids) == 1 + 1 + behind
        return ids

    ids = await eventually(posted)
    assert len(set(ids)) == 1 + behind
    assert ids.count(first["notification_id"]) == 2


_CUT_OFF = "UPDATE {} SET state = 'pending', finished_at = NULL, {} WHERE workspace_id = :ws RETURNING 1"
_BEHIND = (
    "INSERT INTO notification SELECT (jsonb_populate_record(n, jsonb_build_object('notification_id',"
    " gen_random_uuid(), 'message_id', NULL, 'send_at', now()))).* FROM notification n"
    " CROSS JOIN generate_series(1, CAST(:behind AS integer)) WHERE workspace_id = :ws RETURNING 1"
)


async def test_a_storm_sends_a_handful_of_messages_and_every_ticket_has_its_own_record(
    desk: Desk, mailbox: Mailbox, website: Website
) -> None:
    """A broken promise is no reason for hundreds of mails (glpi#2408)."""
    storm = 300
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": {"agents": ["ann"]}}]}],
        contacts=[{"agent": "ann", "email": f"ann@{desk.workspace_id}.example"}],
    )
    for number in range(storm):
        desk.opened(f"t{number}", -20)
    await desk.tell()

    async def told(count: int) -> int:
        (row,) = await desk.rows(
            "SELECT count(*) AS told, count(DISTINCT ticket_id) AS tickets FROM notification"
            " WHERE workspace_id = :ws AND (state = 'sent' OR send_at IS NOT NULL)",
            ws=desk.workspace_id,
        )
        assert row.told == row.tickets == count
        return int(row.told)

    async def nothing_is_under_way() -> bool:
        found = await desk.rows(
            "SELECT 1 FROM message WHERE workspace_id = :ws AND state = 'pending'", ws=desk.workspace_id
        )
        return not found

    await eventually(lambda: told(storm), within_s=20)
    # An attempt that seems to take minutes is made again.
    await eventually(nothing_is_under_way)
    await desk.system.travel(timedelta(minutes=10))

    async def all_sent() -> Sequence[Json]:
        rows = await desk.rows(
            "SELECT message_id, count(*) AS said FROM notification"
            " WHERE workspace_id = :ws AND state = 'sent' GROUP BY 1",
            ws=desk.workspace_id,
        )
        assert sum(row.said for row in rows) == storm
        return rows

    rows = await eventually(all_sent)
    mails = mailbox.to(f"ann@{desk.workspace_id}.example")
    assert len(mails) == len(rows) <= 5
    largest = max(mails, key=lambda mail: len(mail.message.get_content()))
    assert "more are not listed" in largest.message.get_content()
