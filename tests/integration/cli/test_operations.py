"""What keeps an installation going."""

import asyncio

from deploy.cli.keys import ensure_keys
from deploy.local.stack import Stack
from shared.db.schema import newest
from tests.eventually import eventually
from tests.integration.cli.commands import Cli
from tests.keys import token

NOWHERE = "http://127.0.0.1:1"


async def test_a_token_is_printed_and_nothing_else(cli: Cli) -> None:
    ensure_keys(cli.folder / "keys")
    made, refused = await asyncio.gather(
        cli.ok("token", "--workspace", "acme", "--scope", "tickets:read", "--days", "30"),
        cli.run("token", "--scope", "tickets:eat"),
    )
    assert made.out.count(".") == 2
    assert len(made.out.split()) == 1
    assert refused.code == 1
    assert refused.err.startswith("waypost: There is no scope tickets:eat. There are: messages:write")


async def test_a_revoked_token_is_refused_by_every_service_within_seconds(cli: Cli) -> None:
    lost = token(cli.workspace_id, jti=f"lost-{cli.workspace_id}")
    bearer = {"Authorization": f"Bearer {lost}"}
    clients = {name: await cli.system.http(name, cli.workspace_id) for name in cli.system.services}
    for http in clients.values():
        assert (await http.get("/v1/configuration", headers=bearer)).status_code == 200
    assert (await cli.ok("token", "revoke", lost)).out == f"lost-{cli.workspace_id} is revoked.\n"
    for http in clients.values():

        async def is_refused() -> bool:
            return (await http.get("/v1/configuration", headers=bearer)).status_code == 401  # noqa: B023

        await eventually(is_refused)


async def test_what_cannot_be_done_is_one_line_that_says_what_to_do(cli: Cli) -> None:
    ended = await asyncio.gather(
        cli.run("tickets", env={"WAYPOST_INTAKE_URL": NOWHERE}),
        cli.run("tickets", "4711"),
        cli.run("parked", "show", "rooter", "1"),
        cli.run("tickets", env={"WAYPOST_TOKEN": token(cli.workspace_id, "messages:write")}),
        cli.run("snapshot", "metrics"),
    )
    assert [one.code for one in ended] == [1] * len(ended)
    assert [one.out for one in ended] == [""] * len(ended)
    assert [one.err for one in ended] == [
        f"waypost: intake does not answer at {NOWHERE}: `make run` starts everything.\n",
        "waypost: There is no ticket 4711.\n",
        "waypost: There is no service rooter. There are: intake, router, escalation, metrics.\n",
        "waypost: intake: The token needs one of: tickets:read.\n",
        "waypost: metrics has no snapshots: nothing is rebuilt from it.\n",
    ]


async def test_topics_schemas_snapshots_and_parked_records(cli: Cli, stack: Stack) -> None:
    owner = cli.system.databases["router"].owner_url
    broker = {"WAYPOST_KAFKA_BOOTSTRAP": stack.kafka.bootstrap, "WAYPOST_TOPIC_PREFIX": "system"}
    topics, migrated, published, parked = await asyncio.gather(
        cli.run("topics", "--json", env=broker),
        cli.run("migrate", "router", env={"WAYPOST_DATABASE_OWNER_URL": owner}),
        cli.ok("snapshot", "intake"),
        cli.ok("parked", "list", "--json"),
    )
    assert {(one["topic"], one["created"]) for one in topics.data} == {
        (f"system.{name}", False) for name in ("tickets", "routing", "escalations", "kpis", "access")
    }
    assert (migrated.code, migrated.out) == (0, f"router is at {newest('router')}.\n")
    assert published.out == "intake has published 0 snapshots.\n"
    assert parked.data == []
