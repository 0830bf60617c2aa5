"""How people are told: in the order that they chose, not at night; and how they take on what they are told."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial

import httpx
import pytest

from services.escalation.adapters.telling.book import forgetting
from tests.clients import client
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Json, target
from tests.integration.outside import Mail, Mailbox, Website
from tests.shards import shard_of


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who follows links, without a token."""
    async with client() as opened:
        yield opened


def address(desk: Desk, name: str = "ann") -> str:
    return f"{name}@{desk.workspace_id}.example"


async def breached(desk: Desk, *tickets: str, notify: Json | None = None, **part: object) -> None:
    """Tickets whose breach tells Ann, unless it is told otherwise."""
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": notify or {"agents": ["ann"]}}]}],
        **{"contacts": [{"agent": "ann", "email": address(desk)}], **part},
    )
    for ticket in tickets:
        desk.opened(ticket, -20)
    await desk.tell()


async def told(desk: Desk, *states: str, **params: str) -> list[Json]:
    """Notifications, the oldest first, once they stand like this."""

    async def probe() -> list[Json]:
        found = (await desk.notifications(**params))[::-1]
        assert tuple(item["state"] for item in found) == states
        return found

    return list(await eventually(probe))


async def evidence(desk: Desk, notification: Json, count: int) -> list[Json]:
    """The attempts to deliver a notification's message, so many of them, once they are over."""
    answer = await desk.http.get(f"/v1/notifications/{notification['notification_id']}")
    attempts = list(answer.json()["evidence"])
    assert len(attempts) == count
    assert all(attempt["took_s"] is not None for attempt in attempts)
    return attempts


async def mails(mailbox: Mailbox, to: str, count: int) -> list[Mail]:
    async def probe() -> list[Mail]:
        found = mailbox.to(to)
        assert len(found) == count
        return found

    return list(await eventually(probe))


def asleep(desk: Desk) -> Json:
    """What says that Ann is left in peace for an hour or two from now on."""
    opens = (desk.now() + timedelta(hours=2)).hour
    hours = [f"{opens:02}:00-{opens:02}:30"]
    weekly = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), hours)
    return {
        "calendars": [{"id": "awake", "time_zone": "UTC", "weekly": weekly}],
        "contacts": [{"agent": "ann", "email": address(desk), "quiet_outside": "awake"}],
    }


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def link_in(text: str) -> str:
    (link,) = re.findall(r"http://\S+/a/[A-Za-z0-9_-]+", text)
    return str(link)


async def test_whoever_is_not_reached_in_a_chat_is_told_by_mail_and_both_are_recorded(
    desk: Desk, mailbox: Mailbox, website: Website
) -> None:
    path = f"/{desk.workspace_id}"
    website.answers[path] = [429, 500, 301]
    website.retry_after[path] = "60"
    await breached(
        desk,
        "t",
        chats=[{"id": "ann-chat", "url": website.url(path)}],
        contacts=[{"agent": "ann", "email": address(desk), "chat": "ann-chat", "notify_by": ["chat", "email"]}],
    )
    (waiting,) = await told(desk, "pending")
    await eventually(partial(evidence, desk, waiting, 1))
    (asked_for_peace,) = await told(desk, "pending")
    left_alone = seconds_between(asked_for_peace["created_at"], asked_for_peace["next_attempt_at"])
    assert 60 <= left_alone < 120
    await desk.system.travel(timedelta(minutes=5))
    await eventually(partial(evidence, desk, waiting, 2))
    await desk.system.travel(timedelta(minutes=5))
    failed, sent = await told(desk, "failed", "sent")
    assert (failed["way"], failed["detail"], failed["notification_id"]) == (
        "chat",
        "answered 301",
        waiting["notification_id"],
    )
    assert (sent["way"], sent["address"], sent["instead_of"]) == (
        "mail",
        address(desk),
        failed["notification_id"],
    )
    attempts = await evidence(desk, failed, 3)
    assert [(item["number"], item["answer"], item["code"]) for item in attempts] == [
        (1, "deferred", 429),
        (2, "deferred", 500),
        (3, "deferred", 301),
    ]
    said = json.loads(website.to(path)[0].body)["text"]
    assert said.startswith("*Ticket 1 needs somebody.*")
    assert re.search(r"<http://\S+/a/\S+\|Take it on>", said)
    (mail,) = await mails(mailbox, address(desk), 1)
    assert mail.message["Message-ID"] == f"<{sent['notification_id']}@waypost.example>"
    configured = (await desk.http.get("/v1/configuration")).json()["configuration"]
    assert configured["chats"][0]["url"].startswith("sealed:")


async def test_what_is_not_urgent_waits_for_the_morning_and_goes_in_one_message(
    desk: Desk, mailbox: Mailbox
) -> None:
    await breached(
        desk,
        "t",
        "u",
        notify={"agents": ["ann"], "emails": [address(desk, "lead")], "urgency": "low"},
        **asleep(desk),
    )
    (first, second) = await told(desk, "pending", "pending", recipient="ann")
    assert first["held_until"] == second["held_until"] == first["next_attempt_at"] is not None
    assert first["held_until"].endswith(":00:00Z")
    await mails(mailbox, address(desk, "lead"), 1)
    assert not mailbox.to(address(desk))
    await desk.system.travel(timedelta(hours=2))
    first, second = await told(desk, "sent", "sent", recipient="ann")
    assert first["message_id"] == second["message_id"] == first["notification_id"]
    (mail,) = await mails(mailbox, address(desk), 1)
    assert re.fullmatch(r"2 escalations: Ticket [12] and 1 more", mail.message["Subject"])


async def test_a_link_takes_on_everything_that_the_message_tells_of(
    desk: Desk, mailbox: Mailbox, browser: httpx.AsyncClient
) -> None:
    await breached(desk, "t")
    (mail,) = await mails(mailbox, address(desk), 1)
    link = link_in(mail.message.get_content())
    for _ in range(2):
        page = await browser.get(link)
        assert page.status_code == 200
        assert "waits for somebody" in page.text
        assert '<form method="post"><button>Take it on</button></form>' in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert address(desk) not in page.text
    (escalation,) = await desk.escalations()
    assert escalation["state"] == "raised"
    for _ in range(2):
        answer = await browser.post(link)
        assert (answer.status_code, answer.headers["location"]) == (303, link.rpartition("/")[2])
    (escalation,) = await desk.escalations()
    assert (escalation["state"], escalation["acknowledged_by"]) == ("acknowledged", "ann")
    assert "<form" not in (await browser.get(link)).text
    await desk.hears("t", "sla.clock_started", "sla.breached", "escalation.raised", "escalation.acknowledged")
    await desk.http.post(f"/v1/escalations/{escalation['escalation_id']}/resolve")
    assert (await browser.post(link)).status_code == 409
    before, token = link.rsplit("/", 1)
    # Not the last character: some of its bits may say nothing.
    forged = f"{before}/{'B' if token[0] == 'A' else 'A'}{token[1:]}"
    for verb in ("GET", "POST"):
        assert (await browser.request(verb, forged)).status_code == 404
    await desk.system.travel(timedelta(days=8))
    for verb in ("GET", "POST"):
        assert (await browser.request(verb, link)).status_code == 410


async def test_who_was_told_is_not_told_again_and_the_ticket_stays_as_it_is(desk: Desk, mailbox: Mailbox) -> None:
    """Not mailed with every look (glpi#1996), not written into the ticket (django-helpdesk#1235)."""
    await breached(desk, "t")
    await told(desk, "sent")
    for _ in range(3):
        await desk.system.travel(timedelta(days=1))
    desk.opened("u", -20)
    await desk.tell()
    await told(desk, "sent", "sent")
    assert len(mailbox.to(address(desk))) == 2
    await desk.hears("t", "sla.clock_started", "sla.breached", "escalation.raised")


async def test_what_somebody_has_taken_on_before_it_went_is_not_told(desk: Desk, mailbox: Mailbox) -> None:
    await breached(desk, "t", notify={"agents": ["ann"], "urgency": "low"}, **asleep(desk))
    (waiting,) = await told(desk, "pending")
    await desk.http.post(f"/v1/escalations/{waiting['escalation_id']}/acknowledge")
    await desk.system.travel(timedelta(hours=2))
    (dropped,) = await told(desk, "obsolete")
    assert (dropped["detail"], dropped["message_id"]) == ("the escalation was acknowledged", None)
    assert not mailbox.to(address(desk))


async def test_what_has_failed_can_be_tried_again_by_hand(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.refusals[address(desk)] = ["550 Nobody here"]
    await breached(desk, "t")
    (failed,) = await told(desk, "failed")
    path = f"/v1/notifications/{failed['notification_id']}"
    (attempt,) = await evidence(desk, failed, 1)
    assert (attempt["answer"], attempt["code"]) == ("refused", 550)
    answer = await desk.http.post(f"{path}/retry")
    assert (answer.status_code, answer.json()["instead_of"]) == (201, failed["notification_id"])
    assert (await desk.http.post(f"{path}/retry")).status_code == 409
    await desk.system.travel(timedelta(seconds=5))
    (_, sent) = await told(desk, "failed", "sent", ticket_id=failed["ticket_id"])
    assert (await desk.http.post(f"/v1/notifications/{sent['notification_id']}/retry")).status_code == 409
    reader = await desk.system.http("escalation", desk.workspace_id, "escalation:read")
    assert (await reader.post(f"{path}/retry")).status_code == 403
    other = await desk.system.http("escalation", f"other-{desk.workspace_id}")
    assert (await other.get(path)).status_code == 404
    assert (await other.post(f"{path}/retry")).status_code == 404


async def test_what_is_over_is_forgotten_after_a_while_and_its_link_with_it(
    desk: Desk, mailbox: Mailbox, browser: httpx.AsyncClient
) -> None:
    await breached(desk, "t")
    (sent,) = await told(desk, "sent")
    (mail,) = await mails(mailbox, address(desk), 1)
    await desk.system.travel(timedelta(days=91))
    for chore in forgetting(90, shard_of(desk.workspace_id)):
        database = desk.system.services["escalation"].runtime.database
        assert await database.transact(chore, workspaces=[desk.workspace_id]) is False
    assert await desk.notifications() == []
    assert (await desk.http.get(f"/v1/notifications/{sent['notification_id']}")).status_code == 404
    assert await desk.rows("SELECT 1 FROM attempt WHERE workspace_id = :ws", ws=desk.workspace_id) == []
    assert (await browser.get(link_in(mail.message.get_content()))).status_code == 410


async def test_what_is_about_a_queue_is_told_and_taken_on_like_what_is_about_a_ticket(
    desk: Desk, mailbox: Mailbox, browser: httpx.AsyncClient
) -> None:
    await desk.configure(
        escalation_policies=[{"id": "chain", "steps": [{"notify": {"agents": ["ann"]}}]}],
        escalation_triggers=[
            {"id": "full", "queue_length": {"queue": "support", "more_than": 0}, "escalation": "chain"}
        ],
        contacts=[{"agent": "ann", "email": address(desk)}],
    )
    desk.opened("t", -5)
    desk.scribe.queued(desk.named("t"), desk.now(-5), queue="support")
    await desk.tell()
    (mail,) = await mails(mailbox, address(desk), 1)
    assert mail.message["Subject"] == "Queue support is escalated: queue length, level 1"
    assert (await browser.post(link_in(mail.message.get_content()))).status_code == 303
    (escalation,) = await desk.escalations()
    assert (escalation["ticket_id"], escalation["acknowledged_by"]) == (None, "ann")
