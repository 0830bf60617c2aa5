"""Our addresses: global, taken once, and changed by their own workspace only."""

import asyncio

import aiosmtplib
import pytest
from sqlalchemy import text

from shared.db.unit_of_work import Database, Tx
from tests.integration.intake.mail.post import Post
from tests.integration.intake.office import refused
from tests.system import System


def database_of(post: Post) -> Database:
    return post.system.services["intake"].runtime.database


async def test_an_address_of_another_workspace_is_refused_and_nothing_is_applied(
    mail_system: System, post: Post
) -> None:
    other = await Post.open(mail_system, post.sink, f"{post.workspace_id}-other")
    channels = [
        {"id": "mine", "kind": "email", "address": f"mine@{post.workspace_id}.example"},
        {"id": "theirs", "kind": "email", "address": other.support.upper()},
    ]
    for dry_run in ("true", "false"):
        answer = await post.http.put(
            "/v1/configuration",
            json={"channels": channels},
            params={"dry_run": dry_run},
            headers={"If-Match": "*"},
        )
        problem = refused(answer, 422, "invalid-input")
        assert problem["errors"] == [{"pointer": "/channels/1/address", "detail": "belongs to another workspace"}]
    await post.smtp(post.raw())
    await post.smtp(post.raw(), other.support)
    await post.until_tickets(1)
    await other.until_tickets(1)


async def test_two_workspaces_that_want_an_address_at_once_do_not_both_get_it(
    mail_system: System, post: Post
) -> None:
    others = [await mail_system.http("intake", f"{post.workspace_id}-{number}") for number in range(4)]
    wanted = {"channels": [{"id": "c", "kind": "email", "address": f"wanted@{post.workspace_id}.example"}]}
    answers = await asyncio.gather(
        *(http.put("/v1/configuration", json=wanted, headers={"If-Match": "*"}) for http in others)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]


async def test_an_address_moves_to_another_channel_and_goes(post: Post) -> None:
    await post.configure({"id": "front", "kind": "email", "address": post.support})
    await post.smtp(post.raw())
    (ticket,) = await post.until_tickets(1)
    assert ticket["channel"] == "front"
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await post.smtp(post.raw(), post.sales)


@pytest.mark.parametrize(
    "channel",
    [
        {"id": "a", "kind": "email"},
        {"id": "a", "kind": "api", "address": "a@x.example"},
        {"id": "a", "kind": "email", "address": "a+b@x.example"},
        {"id": "a", "kind": "email", "address": "a b@x.example"},
        {"id": "a", "kind": "email", "address": "a\r\nBcc: b@x.example"},
        {"id": "a", "kind": "email", "address": f"{'a' * 60}@x.example"},
        {"id": "a", "kind": "email", "address": "a@x.example", "name": ""},
    ],
)
async def test_a_mail_channel_has_one_plain_address(post: Post, channel: dict[str, str]) -> None:
    answer = await post.http.put("/v1/configuration", json={"channels": [channel]}, headers={"If-Match": "*"})
    assert answer.status_code == 422, answer.text


async def test_two_channels_do_not_share_an_address(post: Post) -> None:
    channels = [
        {"id": "a", "kind": "email", "address": post.support},
        {"id": "b", "kind": "email", "address": post.support.upper()},
    ]
    answer = await post.http.put("/v1/configuration", json={"channels": channels}, headers={"If-Match": "*"})
    assert refused(answer, 422, "invalid-input")["errors"][0]["pointer"] == "/channels/1/address"


async def test_everybody_reads_addresses_and_only_their_workspace_changes_them(post: Post) -> None:
    database = database_of(post)
    named = {"address": post.support, "workspace_id": post.workspace_id}
    find = text("SELECT channel FROM address WHERE address = :address")
    remove = text("DELETE FROM address WHERE address = :address AND workspace_id = :workspace_id")
    steal = text("UPDATE address SET channel = 'x' WHERE address = :address AND workspace_id = :workspace_id")
    add = text("INSERT INTO address VALUES ('evil@x.example', 'email', :workspace_id, 'c')")

    async def vandal(tx: Tx) -> int:
        return (await tx.execute(steal, named)).rowcount + (await tx.execute(remove, named)).rowcount

    assert (await database.transact(lambda tx: tx.execute(find, named))).scalar_one() == "support"
    assert await database.transact(vandal) == 0
    assert await database.transact(vandal, workspaces=["another"]) == 0
    with pytest.raises(Exception, match="row-level security"):
        await database.transact(lambda tx: tx.execute(add, named), workspaces=["another"])
    assert (await database.transact(lambda tx: tx.execute(find, named))).scalar_one() == "support"
