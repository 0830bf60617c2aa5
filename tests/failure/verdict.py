"""Whether a fleet has kept its promises, seen three ways: through the API, in rows, and on the topics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, WORKSPACES, Fleet
from tests.failure.load import Load
from tests.failure.truth import Truth


async def must_hold(fleet: Fleet, truth: Truth, load: Load) -> None:
    """No message lost, none doubled, each ticket routed once and promised once, all of it counted once."""
    await truth.settle()
    accepted = Counter((workspace_id, ticket) for (workspace_id, _), ticket in load.sent.items())
    assert len(accepted) == load.count, "two messages share a ticket"
    assert truth.gaps() == []
    assert truth.times_backwards() == []
    shown = await tickets(fleet)
    assert fleet.accepted <= shown, "a ticket is lost"
    assert shown <= fleet.accepted, "a message has opened two tickets"
    everyone = {ticket for _, ticket in shown}
    assert len(everyone) == len(shown)
    for event in ("ticket.opened", "ticket.message_received", "work.queued", "work.assigned", "sla.clock_started"):
        assert once_each(truth.of_type(event, WORKSPACES), everyone) == {}, event
    assert await tickets_of(fleet, "intake", "message", "author_kind = 'customer'") == everyone
    assert await tickets_of(fleet, "router", "work_item", "assigned_at IS NOT NULL") == everyone
    assert await tickets_of(fleet, "escalation", "sla_clock") == everyone
    await eventually(lambda: _is_counted(fleet, len(everyone)), what="counted", every_s=LOOK_S)


def once_each(found: Mapping[str, list[Any]], tickets: Iterable[str]) -> dict[str, int]:
    """Tickets to which something happened more or less often than once, or that nobody knows."""
    counts = {ticket: len(found.get(ticket, ())) for ticket in {*tickets, *found}}
    return {ticket: number for ticket, number in counts.items() if number != 1}


async def tickets_of(fleet: Fleet, service: str, table: str, where: str = "true") -> set[str]:
    """The tickets that rows of a table are about; none of them twice."""
    rows = await fleet.rows(
        service,
        f"SELECT ticket_id::text, count(*) FROM {table} WHERE workspace_id = ANY ($1) AND {where} GROUP BY 1",
        WORKSPACES,
    )
    assert [row for row in rows if row[1] != 1] == [], table
    return {row[0] for row in rows}


async def tickets(fleet: Fleet) -> set[tuple[str, str]]:
    """Every workspace's tickets, through intake's API."""
    found: list[tuple[str, str]] = []
    for workspace_id in WORKSPACES:
        async with fleet.http("intake", workspace_id) as http:
            cursor: str | None = None
            while True:
                query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
                answer = await http.get("/v1/tickets", params=query)
                assert answer.status_code == 200, answer.text
                page = answer.json()
                found += [(workspace_id, ticket["ticket_id"]) for ticket in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
    assert len(found) == len(set(found)), "a ticket is listed twice"
    return set(found)


async def _is_counted(fleet: Fleet, number: int) -> bool:
    """Whether metrics counts so many tickets, in its rows and in its memory."""
    stored, live, today = 0, 0, 0
    # The memory counts since midnight: a run across it needs both days of the rows.
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    for workspace_id in WORKSPACES:
        async with fleet.http("metrics", workspace_id) as http:
            series = (await http.get("/v1/kpis/volume/series", params={"interval": "1d", "from": since})).json()
            stored += sum(int(point["value"] or 0) for point in series["points"])
            today += int(series["points"][-1]["value"] or 0)
            current = (await http.get("/v1/kpis", params={"kpi": "volume", "window": "today"})).json()
            live += sum(int(item["value"] or 0) for item in current["values"] if not item["scope"])
    assert stored == number
    assert live == today
    return True
