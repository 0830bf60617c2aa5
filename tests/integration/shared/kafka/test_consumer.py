"""Records to effects: repeats, gaps, poison, replay."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid5

import pytest
from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.errors import DomainError, PoisonMessage
from shared.events.catalog import shard_of
from shared.events.codec import encode
from shared.events.envelope import Cause, Event, new_event
from shared.events.tickets import CustomerFacts, TicketFacts, TicketSnapshotV1
from shared.kafka.client import Outgoing
from shared.kafka.parked import requested, shards_with_requests
from shared.vocabulary import ActorKind, ChannelKind, Priority, TicketStatus
from tests.eventually import eventually
from tests.integration.shared.node import NAMESPACE, Ground, an_event

pytestmark = pytest.mark.usefixtures("topic")


async def publish(ground: Ground, *events: Event, value: bytes | None = None) -> None:
    """Puts records on `tickets` past the outbox, as only a fault would."""
    for event in events:
        record = Outgoing(
            key=event.workspace_id.encode(),
            value=encode(event) if value is None else value,
            headers=[("subject", event.subject.encode()), ("sequence", str(event.sequence).encode())],
        )
        await ground.producer.publish("tickets", shard_of(event.workspace_id), [record])


async def parked(ground: Ground, workspace_id: str = "acme") -> list[tuple[int, str]]:
    """(sequence, reason) of what is parked."""

    async def unit(tx: Tx) -> list[tuple[int, str]]:
        rows = await tx.execute(text("SELECT sequence, reason FROM parked ORDER BY sequence, id"))
        return [(row.sequence, row.reason) for row in rows]

    return await ground.database.transact(unit, workspaces=[workspace_id])


async def ask(ground: Ground, request: str, sequence: int, *, reason: str = "%") -> None:
    """What `waypost parked replay|discard` asks of the shard's holder."""

    async def unit(tx: Tx) -> None:
        await tx.execute(
            text("UPDATE parked SET request = :request WHERE sequence = :sequence AND reason LIKE :reason"),
            {"request": request, "sequence": sequence, "reason": reason},
        )

    await ground.database.transact(unit, workspaces=["acme"])


async def applied(ground: Ground, expected: Sequence[int], workspace_id: str = "acme") -> None:
    """Waits until exactly these sequences are applied, over all subjects of the workspace."""

    async def probe() -> bool:
        assert sorted(sequence for _, sequence in await ground.notes(workspace_id)) == list(expected)
        return True

    await eventually(probe)


async def test_an_event_goes_from_outbox_to_effect_and_leaves_the_outbox(ground: Ground) -> None:
    event = an_event("acme", "t", 1)
    async with ground.node():
        await ground.emit(event)
        await applied(ground, [1])
        await eventually(lambda: _is_empty(ground, "outbox"))


async def test_every_event_delivered_three_times_is_applied_once(ground: Ground) -> None:
    events = [an_event("acme", "t", sequence) for sequence in (1, 2, 3)]
    await publish(ground, *events, *events)
    async with ground.node():
        await applied(ground, [1, 2, 3])
        await publish(ground, *events, an_event("acme", "t", 4))
        await applied(ground, [1, 2, 3, 4])
    assert await parked(ground) == []


async def test_what_follows_a_gap_waits_and_is_folded_in_order_once_it_fills(ground: Ground) -> None:
    one, two, three, four = (an_event("acme", "t", sequence) for sequence in (1, 2, 3, 4))
    async with ground.node():
        await publish(ground, one, three, four, an_event("acme", "other", 1))
        await applied(ground, [1, 1])
        assert await parked(ground) == [(3, "version_gap"), (4, "version_gap")]
        await publish(ground, two)
        await applied(ground, [1, 1, 2, 3, 4])
    assert await parked(ground) == []


async def test_an_undecodable_record_is_parked_with_what_follows_it_and_the_rest_flows_on(ground: Ground) -> None:
    two = an_event("acme", "t", 2)
    async with ground.node():
        await publish(ground, an_event("acme", "t", 1))
        await publish(ground, two, value=b"\x00garbage")
        await publish(ground, an_event("acme", "t", 3), an_event("acme", "other", 1))
        await applied(ground, [1, 1])
        assert await parked(ground) == [(2, "undecodable"), (3, "version_gap")]
        await ask(ground, "replay", 2)
        await eventually(lambda: _is_quiet(ground))
        assert await parked(ground) == [(2, "undecodable"), (3, "version_gap")]
        await ask(ground, "discard", 2)
        await applied(ground, [1, 1, 3])
    assert await parked(ground) == []


async def test_what_should_have_been_in_place_of_an_undecodable_record_lets_its_subject_go_on(
    ground: Ground,
) -> None:
    two = an_event("acme", "t", 2)
    async with ground.node():
        await publish(ground, an_event("acme", "t", 1))
        await publish(ground, two, value=b"garbage")
        await publish(ground, an_event("acme", "t", 3), an_event("acme", "other", 1))
        await applied(ground, [1, 1])
        await publish(ground, two)
        await applied(ground, [1, 1, 2, 3])
    assert await parked(ground) == []


async def test_a_discarded_record_does_not_take_a_good_one_of_its_place_with_it(ground: Ground) -> None:
    three = an_event("acme", "t", 3)
    async with ground.node():
        await publish(ground, an_event("acme", "t", 1))
        await publish(ground, three, value=b"garbage")
        await publish(ground, three, an_event("acme", "t", 4), an_event("acme", "t", 2))
        await applied(ground, [1, 2])
        await eventually(lambda: _is_quiet(ground))
        assert await parked(ground) == [(3, "undecodable"), (3, "version_gap"), (4, "version_gap")]
        await ask(ground, "discard", 3, reason="undecodable")
        await applied(ground, [1, 2, 3, 4])
    assert await parked(ground) == []


async def test_a_later_record_is_discarded_in_its_turn_though_the_first_fails_until_then(ground: Ground) -> None:
    events = [an_event("acme", "t", sequence) for sequence in range(1, 6)]
    async with ground.node() as node:
        node.refuses |= {(events[1].subject, 2), (events[3].subject, 4)}
        await publish(ground, *events)
        await eventually(lambda: _has_parked(ground, 4))
        await ask(ground, "discard", 4)
        await ask(ground, "replay", 2)
        await eventually(lambda: _asks(ground, [(4, "discard")]))
        assert [sequence for sequence, _ in await parked(ground)] == [2, 3, 4, 5]
        # It waits for its turn: nobody tries the first one again and again for it.
        claims = [shard_of("acme")]
        assert await ground.database.transact(shards_with_requests, claims=claims) == []
        assert await ground.database.transact(lambda tx: requested(tx, claims[0]), claims=claims) == []
        node.refuses.discard((events[1].subject, 2))
        await ask(ground, "replay", 2)
        await applied(ground, [1, 2, 3, 5])
    assert await parked(ground) == []


async def test_shards_settle_their_own_records_of_an_unknown_workspace(ground: Ground) -> None:
    one, two = ((shard_of("acme") + more) % 12 for more in (1, 2))
    stray = [("subject", b"ticket/t"), ("sequence", b"1")]
    for shard in (one, two):
        await ground.producer.publish("tickets", shard, [Outgoing(key=b"", value=b"garbage", headers=stray)])
    async with ground.node():
        await eventually(lambda: _has_parked(ground, 2, "unknown-workspace"))

        async def discard(tx: Tx) -> None:
            await tx.execute(text("UPDATE parked SET request = 'discard' WHERE shard = :n"), {"n": two})

        await ground.database.transact(discard, workspaces=["unknown-workspace"])
        await eventually(lambda: _has_parked(ground, 1, "unknown-workspace"))
        remaining = text("SELECT shard FROM parked")
        rows = await ground.database.transact(lambda tx: tx.execute(remaining), workspaces=["unknown-workspace"])
        assert rows.scalars().all() == [one]


@pytest.mark.parametrize("refusal", [DomainError("refused by the test"), ZeroDivisionError("a defect")])
async def test_an_event_that_breaks_a_rule_or_the_reader_is_parked_alone_and_replayed_in_order(
    ground: Ground, refusal: Exception
) -> None:
    events = [an_event("acme", "t", sequence) for sequence in range(1, 6)]
    others = [an_event("acme", f"other-{number}", 1) for number in range(5)]
    async with ground.node() as node:
        node.refusal = refusal
        node.refuses.add((events[2].subject, 3))
        await publish(ground, *events, *others)
        await applied(ground, [1, 1, 1, 1, 1, 1, 2])
        assert await parked(ground) == [
            (3, "contract_violation"),
            (4, "version_gap"),
            (5, "version_gap"),
        ]
        node.refuses.clear()
        await ask(ground, "replay", 3)
        await applied(ground, [1, 1, 1, 1, 1, 1, 2, 3, 4, 5])
    assert await parked(ground) == []


async def test_a_record_without_subject_or_workspace_is_parked_and_blocks_nobody(ground: Ground) -> None:
    shard = shard_of("acme")
    await ground.producer.publish("tickets", shard, [Outgoing(key=b"\xff", value=b"", headers=[])])
    await publish(ground, an_event("acme", "t", 1))
    async with ground.node():
        await applied(ground, [1])
        assert [reason for _, reason in await parked(ground, "unknown-workspace")] == ["undecodable"]


HEADERS: list[list[tuple[str, bytes | None]]] = [
    [("subject", None), ("sequence", None)],
    [("subject", b"ticket/t"), ("sequence", b"1"), ("traceparent", b"00-\x00-00")],
    [("subject", b"ticket/\x00t"), ("sequence", b"1"), ("traceparent", None)],
    [("subject", b"ticket/\xff"), ("sequence", b"\xff\x00"), ("traceparent", b"\xff")],
    [("subject", b"ticket/t"), ("sequence", "\u00b2".encode())],
]


@pytest.mark.parametrize("headers", HEADERS)
async def test_a_record_is_parked_whatever_its_headers_are(
    ground: Ground, headers: list[tuple[str, bytes | None]]
) -> None:
    # The client library writes a null header, though its types do not say so.
    record = Outgoing(key=b"acme", value=b"garbage", headers=headers)  # type: ignore[arg-type]
    await ground.producer.publish("tickets", shard_of("acme"), [record])
    await publish(ground, an_event("acme", "other", 1))
    async with ground.node():
        await applied(ground, [1])
        assert [reason for _, reason in await parked(ground)] == ["undecodable"]


@pytest.mark.parametrize("wire_type", [b"waypost.ticket.status_changed.v1", b"waypost.ticket.sung.v1"])
@pytest.mark.parametrize("attribute", ["subject", "workspace"])
async def test_an_event_whose_key_postgresql_cannot_hold_is_parked(
    ground: Ground, wire_type: bytes, attribute: str
) -> None:
    event = an_event("acme", "t", 1)
    name = {"subject": event.subject, "workspace": event.workspace_id}[attribute].encode()
    value = encode(event).replace(b'"%s"' % name, b'"%s\\u0000"' % name)
    value = value.replace(b"waypost.ticket.status_changed.v1", wire_type)
    async with ground.node():
        await publish(ground, event, value=value)
        await publish(ground, an_event("acme", "other", 1))
        await applied(ground, [1])
        assert await parked(ground) == [(1, "undecodable")]


async def test_an_event_with_data_that_postgresql_cannot_hold_is_parked_and_may_be_tried_again(
    ground: Ground,
) -> None:
    async with ground.node():
        await publish(ground, an_event("acme", "text", 1, cause="a\0b"))
        await publish(ground, a_snapshot("acme", "json", 1, labels={"a\0": "b\0"}))
        await publish(ground, an_event("acme", "other", 1))
        await applied(ground, [1])
        assert await parked(ground) == [(1, "contract_violation"), (1, "contract_violation")]
        await ask(ground, "replay", 1)
        await eventually(lambda: _is_quiet(ground))
        assert await parked(ground) == [(1, "contract_violation"), (1, "contract_violation")]


async def test_a_record_stays_parked_though_its_refusal_quotes_what_postgresql_cannot_hold(ground: Ground) -> None:
    async with ground.node() as node:
        event = an_event("acme", "t", 1)
        node.refuses.add((event.subject, 1))
        node.refusal = DomainError("there is no a\0b")
        await publish(ground, event, an_event("acme", "other", 1))
        await applied(ground, [1])
        await ask(ground, "replay", 1)
        await eventually(lambda: _is_quiet(ground))
        assert await parked(ground) == [(1, "contract_violation")]
        await publish(ground, an_event("acme", "other", 2))
        await applied(ground, [1, 2])


async def test_an_event_of_another_partition_or_writer_is_refused(ground: Ground) -> None:
    event = an_event("acme", "t", 1)
    stray = Outgoing(key=b"acme", value=encode(event), headers=[])
    await ground.producer.publish("tickets", (shard_of("acme") + 1) % 12, [stray])
    forged = encode(event).replace(b"/waypost/intake", b"/waypost/router")
    await publish(ground, event, value=forged)
    async with ground.node():
        await eventually(lambda: parked(ground))
        assert await parked(ground) == [(1, "contract_violation")]
        await eventually(lambda: parked(ground, "unknown-workspace"))
        assert [reason for _, reason in await parked(ground, "unknown-workspace")] == ["contract_violation"]
        assert await ground.notes("acme") == []


async def test_a_snapshot_closes_a_gap_that_nothing_else_can(ground: Ground) -> None:
    async with ground.node():
        await publish(ground, an_event("acme", "t", 7), an_event("acme", "t", 8))
        await eventually(lambda: parked(ground))
        await publish(ground, a_snapshot("acme", "t", 7))
        await applied(ground, [7, 8])
    assert await parked(ground) == []


async def test_too_many_poison_records_in_a_row_stop_the_shard_and_fail_readiness(ground: Ground) -> None:
    async with ground.node(fuse_limit=3) as node:
        for number in range(3):
            await publish(ground, an_event("acme", f"bad-{number}", 1), value=b"garbage")
        await publish(ground, an_event("acme", "good", 1))

        def is_blown() -> bool:
            try:
                node.fuse.check()
            except PoisonMessage:
                return True
            return False

        await eventually(is_blown)
        assert await ground.notes("acme") == []


async def test_an_unknown_type_advances_its_subject_and_says_nothing(ground: Ground) -> None:
    unknown = encode(an_event("acme", "t", 1)).replace(
        b"waypost.ticket.status_changed.v1", b"waypost.ticket.sung.v1"
    )
    async with ground.node():
        await publish(ground, an_event("acme", "t", 1), value=unknown)
        await publish(ground, an_event("acme", "t", 2))
        await applied(ground, [2])
    assert await parked(ground) == []


def a_snapshot(workspace_id: str, ticket: str, sequence: int, *, labels: Mapping[str, str] | None = None) -> Event:
    data = TicketSnapshotV1(
        ticket_id=uuid5(NAMESPACE, ticket),
        ticket_number=1,
        facts=TicketFacts(
            channel="api",
            channel_kind=ChannelKind.API,
            customer=CustomerFacts(customer_id=uuid5(NAMESPACE, "c"), tier="standard"),
            labels=dict(labels or {}),
            priority=Priority.NORMAL,
        ),
        status=TicketStatus.OPEN,
        opened_by=ActorKind.CUSTOMER,
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
        first_replied_at=None,
        solved_at=None,
        merged_into=None,
    )
    return new_event(
        data,
        event_id=uuid5(NAMESPACE, f"snapshot/{ticket}/{sequence}"),
        service="intake",
        workspace_id=workspace_id,
        sequence=sequence,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        cause=Cause(),
    )


async def _has_parked(ground: Ground, number: int, workspace_id: str = "acme") -> bool:
    return len(await parked(ground, workspace_id)) == number


async def _asks(ground: Ground, expected: Sequence[tuple[int, str]]) -> bool:
    async def unit(tx: Tx) -> list[tuple[int, str]]:
        query = text("SELECT sequence, request FROM parked WHERE request IS NOT NULL ORDER BY sequence")
        return [(row.sequence, row.request) for row in await tx.execute(query)]

    return await ground.database.transact(unit, workspaces=["acme"]) == expected


async def _is_empty(ground: Ground, table: str) -> bool:
    return await ground.count(table) == 0


async def _is_quiet(ground: Ground) -> bool:
    async def unit(tx: Tx) -> bool:
        pending = await tx.execute(text("SELECT count(*) FROM parked WHERE request IS NOT NULL"))
        return int(pending.scalar_one()) == 0

    return await ground.database.transact(unit, workspaces=["acme"])
