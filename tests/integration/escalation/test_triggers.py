"""Triggers: what sets off escalations besides a target's own breach and a person."""

from datetime import timedelta

from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.events.kpis import KpiAlertClearedV1, KpiAlertRaisedV1, KpiUpdatedV1
from shared.events.tickets import TicketErasedV1, TicketUpdatedV1
from shared.vocabulary import ActorKind, TicketStatus
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Json, short, some_facts, target
from tests.scribe import uid

S = TicketStatus
CHAINS: list[Json] = [
    {"id": "manager", "steps": [{"requeue": {"agent": "grace"}}]},
    {"id": "care", "steps": [{"notify": {"agents": ["nobody"]}}]},
]


def labelled(desk: Desk, **labels: str) -> None:
    facts = some_facts("normal").model_copy(update={"labels": labels})
    ticket_id = uid(desk.named("t"))
    changed = TicketUpdatedV1(ticket_id=ticket_id, facts=facts, changed=("labels",), actor_kind=ActorKind.SYSTEM)
    desk.scribe.tell(changed, desk.now())


async def standing(desk: Desk, *expected: tuple[str, str, str]) -> list[Json]:
    """Trigger, state and cause of every escalation, the oldest first, once they are these."""

    async def probe() -> list[Json]:
        found = list(reversed(await desk.escalations()))
        told = [(item["trigger_id"], item["state"], item["resolved_cause"] or "") for item in found]
        assert told == list(expected)
        return found

    return list(await eventually(probe))


async def test_labels_ratings_and_returns_set_off_what_the_configuration_says(desk: Desk) -> None:
    await desk.configure(
        escalation_policies=CHAINS,
        escalation_triggers=[
            {"id": "asks", "labelled": {"label": "asks_for", "value": "manager"}, "escalation": "manager"},
            {"id": "gold", "opened": True, "when": "customer.tier == 'gold'", "escalation": "manager"},
            {"id": "unhappy", "rated": {"at_most_percent": 40}, "escalation": "care"},
            {"id": "again", "reopened": {"times": 1}, "escalation": "manager"},
        ],
    )
    ticket = desk.named("t")
    desk.opened("t", -5)
    labelled(desk, asks_for="manager")
    labelled(desk, asks_for="manager", mood="angry")
    await desk.tell()
    (asked,) = await standing(desk, ("asks", "raised", ""))
    assert (asked["trigger"], asked["policy"], asked["clock_id"]) == ("labelled", "manager", None)
    (raised,) = await desk.hears("t", "escalation.raised")
    assert raised["data"]["trigger_id"] == "asks"
    assert raised["data"]["action"]["agent_id"] == "grace"
    desk.scribe.went(ticket, desk.now(), S.NEW, S.SOLVED)
    desk.scribe.rated(ticket, desk.now(), score=2, scale=5)
    desk.scribe.rated(ticket, desk.now(), score=1, scale=5, revision=2)
    await desk.tell()
    # Whoever rates does so when the ticket is solved: that does not end it.
    await standing(desk, ("asks", "resolved", "ticket_solved"), ("unhappy", "raised", ""))
    desk.scribe.went(ticket, desk.now(), S.SOLVED, S.OPEN)
    await desk.tell()
    await standing(desk, ("asks", "resolved", "ticket_solved"), ("unhappy", "raised", ""), ("again", "raised", ""))


async def test_a_breach_takes_the_place_of_what_its_warning_set_off(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "1h", warn_at_percent=[50]),
        escalation_policies=CHAINS,
        escalation_triggers=[
            {"id": "soon", "warned": {"at_percent": 40}, "escalation": "care"},
            {"id": "late", "breached": {"metrics": ["first_reply"]}, "escalation": "manager"},
        ],
    )
    desk.opened("t")
    await desk.tell()
    await desk.clock("t", "first_reply", state="running")
    await desk.system.travel(timedelta(minutes=31))
    (warned,) = await standing(desk, ("soon", "raised", ""))
    assert (warned["trigger"], warned["metric"], warned["generation"]) == ("sla.warned", "first_reply", 1)
    await desk.system.travel(timedelta(minutes=31))
    await standing(desk, ("soon", "resolved", "sla.breached"), ("late", "raised", ""))


async def test_a_target_that_leaves_more_time_takes_a_warning_back(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "1h", warn_at_percent=[50], priority=["urgent"]),
        target("first_reply", "8h", warn_at_percent=[50], priority=["low"]),
        escalation_policies=CHAINS,
        escalation_triggers=[{"id": "soon", "warned": {}, "escalation": "care"}],
    )
    desk.opened("t", -31 * 60, priority="urgent")
    await desk.tell()
    await standing(desk, ("soon", "raised", ""))
    desk.updated("t", priority="low")
    await desk.tell()
    await standing(desk, ("soon", "resolved", "warning_withdrawn"))


async def test_who_is_erased_is_not_named_in_a_reason_any_more(desk: Desk) -> None:
    await desk.configure(escalation_policies=CHAINS)
    desk.opened("t", -5)
    await desk.tell()
    await eventually(lambda: desk.is_known("t"))
    path = f"/v1/tickets/{uid(desk.named('t'))}/escalations"
    begun = (await desk.http.post(path, json={"reason": "Ada Lovelace called twice."})).json()
    desk.scribe.tell(TicketErasedV1(ticket_id=uid(desk.named("t"))), desk.now())
    await desk.tell()

    async def is_forgotten() -> bool:
        (found,) = await desk.escalations()
        assert found == {**begun, "reason": None}
        return True

    await eventually(is_forgotten)


def waits(desk: Desk, ticket: str, seconds: float = 0) -> None:
    desk.opened(ticket, seconds)
    desk.scribe.queued(desk.named(ticket), desk.now(seconds), queue="support")


async def test_a_full_queue_tells_people_until_it_is_not_full_any_more(desk: Desk) -> None:
    await desk.configure(
        escalation_policies=CHAINS,
        escalation_triggers=[
            {"id": "full", "queue_length": {"queue": "support", "more_than": 2}, "escalation": "care"},
        ],
    )
    for number in range(3):
        waits(desk, f"t{number}", -5)
    await desk.tell()
    (full,) = await standing(desk, ("full", "raised", ""))
    assert (full["ticket_id"], full["queue"], full["kpi"], full["level"]) == (None, "support", None, 1)
    (told,) = await desk.notifications()
    assert (told["ticket_id"], told["state"]) == (None, "no_recipient")
    # Whoever ends it by hand is not told again while it is still so.
    path = f"/v1/escalations/{full['escalation_id']}"
    assert (await desk.http.post(f"{path}/resolve")).status_code == 200
    waits(desk, "t3", -4)
    await desk.tell()
    await eventually(lambda: desk.is_known("t3"))
    await standing(desk, ("full", "resolved", "by_hand"))
    for number in range(2):
        desk.scribe.assigned(desk.named(f"t{number}"), desk.now())
    await desk.tell()

    async def is_gone() -> bool:
        (watch,) = await desk.rows("SELECT shown FROM watch WHERE workspace_id = :name", name=desk.workspace_id)
        assert watch.shown == []
        return True

    await eventually(is_gone)
    waits(desk, "t4")
    await desk.tell()
    await standing(desk, ("full", "resolved", "by_hand"), ("full", "raised", ""))
    for number in range(2, 5):
        desk.scribe.assigned(desk.named(f"t{number}"), desk.now())
    await desk.tell()
    await standing(desk, ("full", "resolved", "by_hand"), ("full", "resolved", "sign_gone"))

    async def is_told() -> bool:
        kinds = [short(event) for event in await desk.heard() if short(event).startswith("escalation.")]
        assert kinds == ["escalation.raised", "escalation.resolved"] * 2
        return True

    await eventually(is_told)


async def test_what_is_watched_holds_up_nothing_else(desk: Desk) -> None:
    queues = ("sales", "support")
    await desk.configure(
        escalation_policies=CHAINS,
        escalation_triggers=[
            {"id": name, "queue_length": {"queue": name, "more_than": 0}, "escalation": "care"} for name in queues
        ],
    )
    for name in queues:
        desk.opened(name, -5)
        desk.scribe.queued(desk.named(name), desk.now(-5), queue=name)
    await desk.tell()
    standing_now = {item["trigger_id"]: item for item in await eventually(lambda: both(desk))}
    database = desk.system.services["escalation"].runtime.database
    sales = {"ws": desk.workspace_id, "name": "queue/sales"}

    async def unit(tx: Tx) -> None:
        locked = "SELECT 1 FROM watch WHERE workspace_id = :ws AND subject = :name FOR UPDATE"
        assert (await tx.execute(text(locked), sales)).one()
        # Somebody else is at work on another queue: that is nothing to this one.
        path = f"/v1/escalations/{standing_now['support']['escalation_id']}/acknowledge"
        assert (await desk.http.post(path)).status_code == 200
        # Nobody foresaw a policy that is nowhere.
        await tx.execute(
            text("UPDATE escalation SET policy = 'nowhere' WHERE workspace_id = :ws AND watch = :name"), sales
        )

    await database.transact(unit, workspaces=[desk.workspace_id])
    for name in queues:
        desk.scribe.assigned(desk.named(name), desk.now())
    await desk.tell()
    await standing_of(desk, {"sales": "raised", "support": "resolved"})


async def both(desk: Desk) -> list[Json]:
    found = await desk.escalations()
    assert len(found) == 2
    return found


async def standing_of(desk: Desk, expected: Json) -> None:
    async def probe() -> bool:
        assert {item["trigger_id"]: item["state"] for item in await desk.escalations()} == expected
        return True

    await eventually(probe)


async def test_whoever_waits_for_too_long_is_noticed_by_time_alone(desk: Desk) -> None:
    steps: list[Json] = [{"wait": "10m"}, {"notify": {"agents": ["nobody"]}}]
    waits(desk, "t", -5)
    await desk.tell()
    await eventually(lambda: desk.is_known("t"))
    # What waits already when the trigger is configured counts too.
    await desk.configure(
        escalation_policies=[{"id": "care", "steps": steps}],
        escalation_triggers=[
            {"id": "long", "oldest_waiting": {"queue": "support", "longer_than": "25h"}, "escalation": "care"}
        ],
    )
    assert await desk.escalations() == []
    await desk.system.travel(timedelta(hours=1))
    (long,) = await standing(desk, ("long", "raised", ""))
    assert (long["trigger"], long["level"]) == ("oldest_waiting", 0)
    snoozed = await desk.http.post(f"/v1/escalations/{long['escalation_id']}/snooze", json={"duration": "1h"})
    assert snoozed.status_code == 200, snoozed.text

    async def stands(level: int, *, is_asleep: bool) -> bool:
        (found,) = await desk.escalations()
        assert (found["level"], found["resumes_at"] is not None) == (level, is_asleep)
        return True

    await desk.system.travel(timedelta(minutes=61))
    await eventually(lambda: stands(0, is_asleep=False))
    await desk.system.travel(timedelta(minutes=10))
    await eventually(lambda: stands(1, is_asleep=False))
    desk.scribe.assigned(desk.named("t"), desk.now())
    await desk.tell()
    await standing(desk, ("long", "resolved", "sign_gone"))


async def test_an_alert_of_a_kpi_begins_and_ends_an_escalation_and_values_cost_nothing(desk: Desk) -> None:
    await desk.configure(
        escalation_policies=CHAINS,
        escalation_triggers=[{"id": "slow", "kpi_alert": {"kpi": "first_reply.p90"}, "escalation": "care"}],
    )
    alert = {"alert": "first_reply.p90", "kpi": "first_reply.p90", "scope": {"queue": "support"}, "unit": "s"}
    value = {"kpi": "first_reply.p90", "definition_version": 1, "scope": {}, "window": "15m", "unit": "s"}
    desk.scribe.tell(KpiUpdatedV1.model_validate({**value, "value": 7200.0}), desk.now())
    desk.scribe.tell(KpiAlertRaisedV1.model_validate({**alert, "value": 7200.0, "bound": 3600.0}), desk.now())
    await desk.tell()
    (slow,) = await standing(desk, ("slow", "raised", ""))
    assert (slow["ticket_id"], slow["queue"], slow["kpi"]) == (None, "support", "first_reply.p90")
    desk.scribe.tell(KpiAlertClearedV1.model_validate({**alert, "value": 60.0, "bound": 3600.0}), desk.now())
    await desk.tell()
    await standing(desk, ("slow", "resolved", "sign_gone"))
    read = await desk.rows("SELECT subject FROM version WHERE workspace_id = :name", name=desk.workspace_id)
    assert [row.subject for row in read] == ["alert/first_reply.p90"]
