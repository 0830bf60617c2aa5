"""What people typed about a customer is nowhere in the router once they are erased."""

import zlib
from pathlib import Path

import asyncpg

from deploy.local.stack import Stack
from services.router.adapters.checkpoints import Checkpoints
from shared.events.catalog import ROUTING
from shared.events.codec import encode
from shared.events.tickets import TicketErasedV1
from shared.kafka.client import Reader
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.cli.commands import Cli
from tests.integration.intake.office import Tape
from tests.integration.router.floor import Floor, words
from tests.system import System

CANARY = "Xanthippe-7q"


async def tables_with(floor: Floor, router: System) -> list[str]:
    """The router's tables in which the word stands, also within what is compressed there."""
    database = await asyncpg.connect(router.databases["router"].owner_url)
    found = []
    try:
        await database.execute("SELECT set_config('app.workspaces', $1, false)", floor.workspace_id)
        for (name,) in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = [row["row"] for row in await database.fetch(f'SELECT t::text AS row FROM "{name}" t')]
            if name == "checkpoint_part":
                bodies = await database.fetch("SELECT body FROM checkpoint_part")
                rows += [zlib.decompress(body["body"]).decode() for body in bodies]
            if any(CANARY in row or CANARY.encode().hex() in row for row in rows):
                found.append(name)
    finally:
        await database.close()
    return sorted(found)


async def test_words_about_an_erased_customer_are_nowhere_and_the_record_still_holds(
    router: System, floor: Floor, tmp_path: Path, stack: Stack
) -> None:
    ticket_id = await floor.open_ticket("t")
    await floor.open_ticket("other")
    for agent in ("ann", "bob"):
        await floor.set_state(agent)
    offer = await floor.offered("ann", "t")
    said = {"reason": f"not {CANARY} again"}
    again = {"Idempotency-Key": "once"}
    await floor.http.post(f"/v1/offers/{offer['offer_id']}/decline", json=said, headers=again)
    await floor.accept("bob", "t")
    checkpoints = Checkpoints(router.services["router"].runtime.database)
    await checkpoints.take(floor.workspace_id)
    for verb, content in (
        ("transfer", {"queue": "billing", "reason": f"{CANARY} pays"}),
        ("assign", {"agent_id": "bob"}),
        ("release", {"reason": f"{CANARY} shouts"}),
        ("assign", {"agent_id": "bob"}),
    ):
        answer = await floor.http.post(f"/v1/work/{ticket_id}/{verb}", json=content)
        assert answer.status_code == 200, answer.text
    declined = await floor.offered("ann", "other")
    await floor.http.post(f"/v1/offers/{declined['offer_id']}/decline", json={"reason": "too long"})
    await checkpoints.take(floor.workspace_id)
    assert await tables_with(floor, router) == ["decision", "input_log", "offer"]

    await floor.set_status("t", TicketStatus.OPEN, TicketStatus.CLOSED)
    await floor.tell(TicketErasedV1(ticket_id=ticket_id))

    async def is_gone() -> bool:
        return not await tables_with(floor, router)

    await eventually(is_gone, what="the words are gone")
    assert any("erased" in line for line in words(await floor.decisions("t")))
    assert any("too long" in line for line in words(await floor.decisions("other")))
    await router.published("router")
    reader = Reader(stack.kafka.bootstrap, topics=[ROUTING], topic_prefix="router", group="erasure")
    await reader.start()
    told = await Tape(reader).events(floor.workspace_id, "routing")
    await reader.stop()
    assert told
    assert not any(CANARY.encode() in encode(event) for event in told)
    await checkpoints.take(floor.workspace_id)
    assert await tables_with(floor, router) == []
    cli = Cli(router, floor.workspace_id, tmp_path, env={"WAYPOST_DATABASE_URL": router.databases["router"].url})
    ended = await cli.run("replay", "--json", "-")
    assert ended.code == 0, ended.out + ended.err
    assert (ended.data["tickets"], ended.data["differing"]) == (2, 0)
