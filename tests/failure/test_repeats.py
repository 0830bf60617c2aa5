"""Every record of the topics delivered again and again."""

from collections import defaultdict

from shared.kafka.client import Outgoing, Producer
from tests.failure.fleet import Fleet
from tests.failure.load import Load
from tests.failure.truth import Truth
from tests.failure.verdict import must_hold
from tests.system import BUILDS

MOVING = ("position", "shard", "shard_lease", "member", "outbox", "kpi_feed", "idempotency")
"""Tables that change although nothing happens."""


async def test_every_event_delivered_three_times_more_changes_nothing(
    fleet: Fleet, truth: Truth, producer: Producer
) -> None:
    await truth.settle()
    mark = len(truth.records)
    load = Load(fleet, 240)
    await load.run()
    for (workspace_id, _), ticket in list(load.sent.items())[:24]:
        async with fleet.http("intake", workspace_id) as http:
            replied = await http.post(f"/v1/tickets/{ticket}/replies", json={"text": "Solved."})
            assert replied.status_code == 201, replied.text
            solved = await http.patch(f"/v1/tickets/{ticket}", json={"status": "solved"})
            assert solved.status_code == 200, solved.text
    await truth.settle()
    events, repeats = truth.number, truth.repeats
    before = await _rows(fleet)

    batches: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
    for record in truth.records[mark:]:
        assert record.key is not None
        assert record.value is not None
        again = Outgoing(key=record.key, value=record.value, headers=list(record.headers))
        batches[record.topic.rpartition(".")[2], record.partition] += [again] * 3
    for (topic, partition), batch in batches.items():
        await producer.publish(topic, partition, batch)

    again_by_now = sum(map(len, batches.values()))
    assert again_by_now > 3 * 6 * load.count
    await truth.settle()
    assert truth.repeats == repeats + again_by_now
    assert truth.number == events
    assert await _rows(fleet) == before
    assert truth.of_type("sla.met").keys() >= set(list(load.sent.values())[:24])
    await must_hold(fleet, truth, load)


async def _rows(fleet: Fleet) -> dict[str, str]:
    """A digest of every table of every service."""
    found = {}
    for service in BUILDS:
        names = await fleet.rows(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in names:
            if name not in MOVING:
                digest = f"SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {name} t"
                found[f"{service}.{name}"] = (await fleet.rows(service, digest))[0][0]
    return found
