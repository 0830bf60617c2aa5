"""How PostgreSQL finds what is about one customer: never by a look at everything of their workspace."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters import clients, erasure
from shared.db.engine import open_engine
from tests.integration.intake.office import Json, Office

_NOBODY = UUID(int=7)
_LISTS: Json = {"tickets": [_NOBODY], "messages": [_NOBODY], "raws": [_NOBODY], "addresses": ["a@b"]}
_UNREAD = "raw_unread"
"""Holds what has arrived at this moment, whoever sent it."""
_MANY = (
    "SELECT set_config('app.workspaces', '{workspace}', true)",
    "INSERT INTO ticket SELECT (jsonb_populate_record(t, jsonb_build_object('ticket_id', gen_random_uuid(),"
    " 'number', n))).* FROM ticket t CROSS JOIN generate_series(2, 5000) AS n"
    " WHERE t.workspace_id = '{workspace}'",
    "INSERT INTO message SELECT (jsonb_populate_record(m, jsonb_build_object('message_id', gen_random_uuid(),"
    " 'customer_id', gen_random_uuid(), 'ticket_id', t.ticket_id))).* FROM message m CROSS JOIN ticket t"
    " WHERE m.workspace_id = '{workspace}' AND t.workspace_id = '{workspace}'",
    "INSERT INTO raw SELECT (jsonb_populate_record(r, jsonb_build_object('raw_id', gen_random_uuid(),"
    " 'ticket_id', gen_random_uuid(), 'message_id', gen_random_uuid()))).* FROM raw r"
    " CROSS JOIN generate_series(1, 5000) WHERE r.workspace_id = '{workspace}'",
    "INSERT INTO raw_person SELECT workspace_id, raw_id || '@example.org', raw_id FROM raw"
    " WHERE workspace_id = '{workspace}'",
    "ANALYZE message, raw, raw_person",
)


def scans(node: Json) -> Iterator[tuple[str, str]]:
    """The indexes by which a plan reads the tables that were filled, with what it asks of them."""
    relation = node.get("Relation Name", "")
    assert node["Node Type"] != "Seq Scan" or relation not in ("message", "raw", "raw_person"), node
    index = node.get("Index Name", "")
    if index.startswith(("message", "raw")):
        yield index, node["Index Cond"]
    for part in node.get("Plans", []):
        yield from scans(part)


async def test_what_is_about_one_customer_is_found_among_everybody_s(office: Office) -> None:
    await office.configure(rules=[{"name": "odd", "when": 'message.text == "odd"', "fate": "quarantine"}])
    await office.open_ticket()
    await office.send(text="odd")
    engine = open_engine(office.system.databases["intake"].owner_url, name="tests", pool_size=1)
    statements = (erasure._MESSAGES, erasure._RAWS, erasure._BYTES, clients._MOVE_MESSAGES)
    async with engine.connect() as connection:
        for statement in _MANY:
            await connection.execute(text(statement.format(workspace=office.workspace_id)))
        for question in statements:
            explain = text(f"EXPLAIN (FORMAT JSON) {question.text}")
            named = {"workspace_id": office.workspace_id, "customer_id": _NOBODY, "target": _NOBODY, **_LISTS}
            used = {name: value for name, value in named.items() if f":{name}" in question.text}
            plan = (await connection.execute(explain, used)).scalar_one()[0]["Plan"]
            asked = list(scans(plan))
            assert asked
            assert [one for one in asked if " AND " not in one[1] and one[0] != _UNREAD] == [], question.text
        await connection.rollback()
    await engine.dispose()
