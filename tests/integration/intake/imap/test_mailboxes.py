"""Mail that is fetched from a real mail server."""

import asyncio
import imaplib
import signal
import subprocess
from base64 import b64encode
from typing import Any, cast
from urllib.parse import parse_qs

import pytest

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.imap.mailboxes import Mailboxes
from shared.clock import monotonic
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.telemetry.metrics import Metrics
from tests.eventually import eventually
from tests.integration.intake.imap.conftest import LARGEST
from tests.integration.intake.imap.dovecot import PASSWORD, Dovecot
from tests.integration.intake.imap.office import Office
from tests.integration.intake.mail.post import Json
from tests.integration.intake.media.double import Website, answer
from tests.integration.intake.office import refused
from tests.system import System


async def test_a_mail_becomes_a_ticket_as_soon_as_it_is_there(office: Office, dovecot: Dovecot) -> None:
    await office.watch(office.mailbox())
    await office.until_mailbox(state="watching", last_error=None)
    began = monotonic()
    await dovecot.append(office.user(), office.numbered(1))
    (ticket,) = await office.until_tickets(1)
    assert monotonic() - began < 5  # the server is asked again after a minute
    assert (ticket["subject"], ticket["channel"]) == ("Mail 1", "support")
    (message,) = await office.messages(ticket["ticket_id"])
    assert (message["author_id"], message["delivered_to"]) == (office.ada, [office.support])
    await dovecot.append(office.user(), office.numbered(2), office.numbered(3))
    await office.until_tickets(3)
    mailbox = await office.until_mailbox(state="watching", last_uid=3, waiting=0)
    assert mailbox["last_synced_at"]
    assert all(r"\Seen" in flags for flags in await dovecot.flags(office.user()))


async def test_what_was_there_before_comes_in_its_order(office: Office, dovecot: Dovecot) -> None:
    await dovecot.append(office.user(), *(office.numbered(number) for number in range(70)))
    await office.watch(office.mailbox(after="nothing"))
    tickets = await office.until_tickets(70)
    in_order = sorted(tickets, key=lambda ticket: int(ticket["number"]))
    assert [ticket["subject"] for ticket in in_order] == [f"Mail {number}" for number in range(70)]
    assert not any(r"\Seen" in flags for flags in await dovecot.flags(office.user()))


async def test_two_mailboxes_of_one_channel_and_a_mail_in_both(office: Office, dovecot: Dovecot) -> None:
    dovecot.add(office.user("sales"))
    await dovecot.append(office.user(), office.numbered(1), office.numbered(2))
    await dovecot.append(office.user("sales"), office.numbered(2), office.numbered(3))
    await office.watch(office.mailbox(), office.mailbox("sales", after="nothing"))
    await office.until_mailbox("sales", state="watching", last_uid=2)
    await office.until_mailbox("support", state="watching", last_uid=2)
    tickets = await office.until_tickets(3)
    assert {ticket["subject"] for ticket in tickets} == {"Mail 1", "Mail 2", "Mail 3"}


@pytest.mark.parametrize("capabilities", ["127.0.0.1", "127.0.0.2"])
async def test_what_is_stored_is_moved_into_a_folder_that_is_made(
    office: Office, dovecot: Dovecot, capabilities: str
) -> None:
    """With MOVE, and by hand where the server has none."""
    await dovecot.append(office.user(), office.numbered(1), office.numbered(2))
    await office.watch(office.mailbox(after="move", move_to="Done & gelöscht", host=capabilities))
    await office.until_tickets(2)
    await office.until_mailbox(state="watching", last_uid=2, last_error=None)
    assert len(await dovecot.flags(office.user(), "Done &- gel&APY-scht")) == 2
    left = await dovecot.flags(office.user())
    assert all(r"\Deleted" in flags for flags in left)
    assert len(left) == (0 if capabilities == "127.0.0.1" else 2)


async def test_what_is_stored_is_deleted(office: Office, dovecot: Dovecot) -> None:
    await dovecot.append(office.user(), office.numbered(1))
    await office.watch(office.mailbox(after="delete"))
    await office.until_tickets(1)
    await office.until_mailbox(state="watching", last_uid=1)
    assert await dovecot.flags(office.user()) == []


async def test_what_the_server_does_not_let_be_done_is_told_and_done_later(
    office: Office, dovecot: Dovecot
) -> None:
    await dovecot.append(office.user(), office.numbered(1))
    blocked = dovecot.folder / "mail" / office.user() / "Maildir" / ".Done"
    blocked.write_text("no folder can be made here")
    await office.watch(office.mailbox(after="move", move_to="Done"))
    await office.until_tickets(1)
    mailbox = await office.until_mailbox(state="watching", last_uid=1)
    assert mailbox["last_error"].startswith("after: move does not work")
    assert len(await dovecot.flags(office.user())) == 1
    blocked.unlink()
    await dovecot.append(office.user(), office.numbered(2))
    await office.until_mailbox(state="watching", last_uid=2, last_error=None)
    assert (await dovecot.flags(office.user()), len(await dovecot.flags(office.user(), "Done"))) == ([], 2)
    assert len(await office.tickets()) == 2


async def test_a_folder_that_is_made_anew_gives_no_second_ticket(office: Office, dovecot: Dovecot) -> None:
    mails = [office.numbered(number) for number in range(3)]

    def make(program: imaplib.IMAP4) -> None:
        program.delete("Requests")
        assert program.create("Requests")[0] == "OK"

    await dovecot.do(office.user(), make)
    await dovecot.append(office.user(), *mails, folder="Requests")
    await office.watch(office.mailbox(folder="Requests", after="nothing"))
    before = await office.until_mailbox(state="watching", last_uid=3)
    await office.watch()
    await dovecot.do(office.user(), make)
    await dovecot.append(office.user(), *mails, office.numbered(9), folder="Requests")
    await office.watch(office.mailbox(folder="Requests", after="nothing"))
    after = await office.until_mailbox(state="watching", last_uid=4)
    assert after["uid_validity"] != before["uid_validity"]
    assert len(await office.until_tickets(4)) == 4


async def test_a_wrong_password_is_told_and_set_right(office: Office, dovecot: Dovecot) -> None:
    await dovecot.append(office.user(), office.numbered(1))
    await office.watch(office.mailbox(password="wrong"))
    mailbox = await office.until_mailbox(state="failed")
    assert mailbox["last_error"].startswith("login: [AUTHENTICATIONFAILED]")
    assert mailbox["next_attempt_at"]
    assert "wrong" not in str(mailbox)
    metrics = (await office.http.get("/metrics")).text
    assert 'waypost_mailbox_failures_total{reason="login"}' in metrics
    await office.watch(office.mailbox())
    await office.until_tickets(1)
    await office.until_mailbox(state="watching", last_error=None, next_attempt_at=None)


async def test_secrets_are_shown_sealed_and_a_repeat_changes_nothing(office: Office) -> None:
    await office.watch(office.mailbox())
    before = await office.until_mailbox(state="watching")
    shown = (await office.http.get("/v1/configuration")).json()
    assert PASSWORD not in str(shown)
    answered = await office.http.put("/v1/configuration", json=shown["configuration"], headers={"If-Match": "*"})
    assert answered.status_code == 200, answered.text
    after = (await office.mailboxes())["support"]
    assert (after["uid_validity"], after["state"]) == (before["uid_validity"], "watching")


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_the_connection_is_encrypted(office: Office, dovecot: Dovecot, security: str) -> None:
    """By its address it is not the server that its certificate names."""
    await dovecot.append(office.user(), office.numbered(1))
    port = dovecot.tls_port if security == "tls" else dovecot.port
    await office.watch(office.mailbox(security=security, port=port))
    mailbox = await office.until_mailbox(state="failed")
    assert mailbox["last_error"].startswith("the mail server: ")
    assert await office.tickets() == []


async def test_without_encryption_only_known_servers_are_logged_in_to(office: Office, dovecot: Dovecot) -> None:
    await office.watch(office.mailbox(host="127.0.0.3"))
    mailbox = await office.until_mailbox(state="failed")
    assert mailbox["last_error"] == "the address is not a public one"


async def test_a_server_that_is_started_anew_goes_on(office: Office, dovecot: Dovecot) -> None:
    await office.watch(office.mailbox())
    await office.until_mailbox(state="watching")
    await dovecot.stop(signal.SIGKILL)
    await office.until_mailbox(state="failed")
    await dovecot.start()
    await dovecot.append(office.user(), office.numbered(1))
    await office.until_tickets(1, within_s=20)
    await office.until_mailbox(state="watching", last_error=None)


async def test_a_mailbox_that_is_configured_no_more_is_left_alone(office: Office, dovecot: Dovecot) -> None:
    await office.watch(office.mailbox())
    await office.until_mailbox(state="watching")
    await office.watch()
    assert await office.mailboxes() == {}

    async def nobody_watches() -> bool:
        found = await connected(dovecot, office.user())
        return found == 0

    await eventually(nobody_watches)
    await dovecot.append(office.user(), office.numbered(1))
    await office.watch(office.mailbox())
    await office.until_tickets(1)


async def test_a_look_that_was_not_committed_tells_the_same_again(office: Office) -> None:
    await office.watch(office.mailbox())
    runtime = office.system.services["intake"].runtime
    shard = shard_of(office.workspace_id, runtime.settings.shards)
    unused = cast("Any", None)  # it looks, and starts nothing
    looking = Mailboxes(
        runtime.database, unused, unused, unused, bells=Bells("mailbox", 1), metrics=Metrics("looking")
    )
    told: list[list[int]] = []

    async def look(tx: Tx) -> None:
        told.append(await looking.look(tx, [shard]))
        if len(told) == 1:
            raise LookupError

    with pytest.raises(LookupError):
        await runtime.database.transact(look, claims=[shard])
    for _ in range(2):
        await runtime.database.transact(look, claims=[shard])
    assert told == [[shard], [shard], []]


async def connected(dovecot: Dovecot, user: str) -> int:
    """How many sessions of a user the server has."""

    command = ["doveadm", "-c", str(dovecot.folder / "dovecot.conf"), "who", "-1", user]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    return sum(line.startswith(f"{user} ") for line in done.stdout.splitlines())


async def test_a_mail_that_is_too_large_is_set_aside_with_its_beginning_and_stays_there(
    office: Office, dovecot: Dovecot
) -> None:
    large = office.numbered(1, "\n".join(["x" * 70] * (LARGEST // 70)))
    await dovecot.append(office.user(), large, office.numbered(2))
    await office.watch(office.mailbox(after="delete"))
    await office.until_tickets(1)
    mailbox = await office.until_mailbox(state="watching", last_uid=2)
    (skipped,) = mailbox["skipped"]
    assert skipped["uid"] == 1
    assert skipped["reason"] == f"larger than {LARGEST} bytes: only its beginning is here"
    (set_aside,) = await office.quarantine()
    assert set_aside["reason"] == skipped["reason"]
    raw = (await office.http.get(f"/v1/quarantine/{set_aside['id']}/raw")).content
    assert raw == large[: 1 << 20]
    assert len(await dovecot.flags(office.user())) == 1


async def test_a_mailbox_opens_with_a_token_that_is_renewed(
    office: Office, dovecot: Dovecot, issuer: Website
) -> None:
    path = f"/token/{office.workspace_id}"
    issuer.answers[path] = [
        answer(400, b'{"error": "invalid_grant"}'),
        answer(200, b'{"access_token": "at-1", "expires_in": 3600, "refresh_token": "rt-2"}'),
    ]
    issuer.answers["/tokeninfo?token=at-1"] = [answer(200, f'{{"email": "{office.user()}"}}'.encode())]
    await dovecot.append(office.user(), office.numbered(1))
    oauth = {"token_url": issuer.url(path), "client_id": "c", "client_secret": "s", "refresh_token": "rt-1"}
    await office.watch(office.mailbox(password=None, oauth2=oauth))
    mailbox = await office.until_mailbox(state="failed")
    assert mailbox["last_error"] == "login: the token's issuer says no: invalid_grant"
    await office.watch(office.mailbox(password=None, oauth2={**oauth, "scope": "imap offline_access"}))
    await office.until_tickets(1)
    await office.until_mailbox(state="watching", last_error=None)
    asked = [parse_qs(call.body.decode()) for call in issuer.to(path)]
    assert asked[-1] == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["rt-1"],
        "client_id": ["c"],
        "client_secret": ["s"],
        "scope": ["imap offline_access"],
    }
    # The issuer has replaced the refresh token: after a restart the new one is used.
    await dovecot.stop(signal.SIGKILL)
    await office.until_mailbox(state="failed")
    await dovecot.start()
    await office.until_mailbox(state="watching", within_s=20)


async def test_a_token_that_the_server_does_not_take_is_told(office: Office, issuer: Website) -> None:
    path = f"/token/{office.workspace_id}"
    issuer.answers[path] = [answer(200, b'{"access_token": "bad", "expires_in": 3600}')]
    issuer.answers["/tokeninfo?token=bad"] = [answer(401, b"{}")]
    oauth = {"token_url": issuer.url(path), "client_id": "c", "client_secret": "s", "refresh_token": "rt-1"}
    await office.watch(office.mailbox(password=None, oauth2=oauth))
    mailbox = await office.until_mailbox(state="failed")
    assert mailbox["last_error"].startswith("login: ")
    assert b64encode(b"bad").decode() not in str(mailbox)


async def test_what_nobody_foresaw_is_told_by_its_kind_and_ends_nobody_elses_session(
    office: Office, dovecot: Dovecot, issuer: Website
) -> None:
    path = f"/token/{office.workspace_id}"
    issuer.answers[path] = [answer(200, rb'{"access_token": "at", "refresh_token": "\ud800"}')]
    oauth = {"token_url": issuer.url(path), "client_id": "c", "client_secret": "s", "refresh_token": "rt-1"}
    dovecot.add(office.user("other"))
    await office.watch(office.mailbox(password=None, oauth2=oauth), office.mailbox("other"))
    await office.until_mailbox(state="failed", last_error="UnicodeEncodeError")
    await office.until_mailbox("other", state="watching")
    await dovecot.append(office.user("other"), office.numbered(1))
    await office.until_tickets(1)


async def test_what_cannot_be_meant_is_refused(office: Office) -> None:
    for wrong, pointer in (
        ({"password": None}, "/channels/0/mailboxes/0"),
        ({"after": "move"}, "/channels/0/mailboxes/0/move_to"),
        ({"move_to": "Done"}, "/channels/0/mailboxes/0/move_to"),
        ({"after": "move", "move_to": "INBOX"}, "/channels/0/mailboxes/0/move_to"),
    ):
        mailbox = office.mailbox(**wrong)
        channel = {"id": "support", "kind": "email", "address": office.support, "mailboxes": [mailbox]}
        tried = await office.http.put("/v1/configuration", json={"channels": [channel]}, headers={"If-Match": "*"})
        problem = refused(tried, 422, "invalid-input")
        assert pointer in [error["pointer"] for error in problem["errors"]]
    unreadable: list[Json] = [{"user": "a\r\nb"}, {"host": "a b"}, {"folder": "a\0"}, {"port": 0}]
    for fields in unreadable:
        mailbox = office.mailbox(**fields)
        channel = {"id": "support", "kind": "email", "address": office.support, "mailboxes": [mailbox]}
        tried = await office.http.put("/v1/configuration", json={"channels": [channel]}, headers={"If-Match": "*"})
        assert tried.status_code in (400, 422), fields


async def test_nobody_sees_another_workspaces_mailboxes(office: Office, imap_system: System) -> None:
    await office.watch(office.mailbox())
    other = await imap_system.http("intake", f"{office.workspace_id}-other")
    assert (await other.get("/v1/mailboxes")).json() == {"items": []}
    tool = await imap_system.http("intake", office.workspace_id, "tickets:read")
    refused(await tool.get("/v1/mailboxes"), 403, "not-allowed")
