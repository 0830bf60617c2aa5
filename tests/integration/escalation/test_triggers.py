"""Triggers: what sets off escalations besides a target's own breach and a person."""

from datetime import timedelta

from shared.events.tickets import TicketErasedV1, TicketUpdatedV1
from shared.vocabulary import ActorKind, TicketStatus
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Json, some_facts, target
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
