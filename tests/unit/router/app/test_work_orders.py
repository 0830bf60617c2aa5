"""What a partner is told, from what the engine decided and stored."""

import json
from datetime import timedelta

from services.router.app.configuration import RouterPart
from services.router.app.partner_webhooks import OrderLinks, body_of
from services.router.app.work_orders import OrderMessage
from services.router.domain import inputs
from shared.events.routing import AgentStateChangedV1, OfferDeclinedV1
from shared.events.tickets import CustomerFacts, TicketFacts, TicketOpenedV1, TicketStatusChangedV1
from shared.link_tokens import LinkTokens
from shared.vocabulary import ActorKind, AgentState, ChannelKind, Priority, TicketStatus
from tests.unit.router.domain.desk import START, ticket_id
from tests.unit.router.memory import ACME, Hall

FIELD = "partner:field"
LINKS = OrderLinks(tokens=LinkTokens(b"secret", "work-order"), base_url="https://work.example.com/")
PARTNER = {
    "url": "https://vendor.example/",
    "secret": "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0",
    "fallback": "general",
    "done_within": "2d",
}


def part(**terms: str) -> RouterPart:
    """A queue that stands for the partner, and one of the house."""
    return RouterPart.model_validate(
        {
            "skills": ["plumbing"],
            "queues": [{"id": "general"}, {"id": "field", "partner": {**PARTNER, **terms}}],
            "agents": [{"id": "ann", "queues": ["general"], "skills": {"plumbing": 2}}],
            "policy": {"default": {"queue": "field", "skills": {"plumbing": 2}}},
        }
    )


async def outsourced() -> Hall:
    """A hall with a ticket that is offered to the partner."""
    hall = Hall()
    await hall.configured(part())
    await hall.asked(inputs.SetAgentState(agent_id="ann", state=AgentState.AVAILABLE, reason=None))
    facts = TicketFacts(
        channel="mail",
        channel_kind=ChannelKind.EMAIL,
        customer=CustomerFacts(customer_id=ticket_id("customer"), tier="standard"),
        labels={"site": "berlin-2"},
        priority=Priority.HIGH,
        language="de",
    )
    await hall.happens(
        TicketOpenedV1(
            ticket_id=ticket_id("t"),
            ticket_number=1,
            facts=facts,
            opened_by=ActorKind.CUSTOMER,
            received_at=START,
        )
    )
    return hall


async def answered(hall: Hall, *, accepts: bool) -> None:
    (offer,) = hall.state.offers.values()
    made = inputs.AcceptOffer if accepts else inputs.DeclineOffer
    more = {} if accepts else {"reason": "no van"}
    await hall.asked(made(offer_id=offer.offer_id, agent_id=FIELD, **more))


async def becomes(hall: Hall, status: TicketStatus) -> None:
    await hall.happens(
        TicketStatusChangedV1(
            ticket_id=ticket_id("t"),
            previous=TicketStatus.NEW,
            status=status,
            cause="set",
            actor_kind=ActorKind.AGENT,
        )
    )


def told(hall: Hall) -> list[tuple[str, object]]:
    """What the partner hears, with the reason of an end."""
    return [(message.event.value, message.facts.get("reason")) for message in hall.rows.orders]


async def test_an_offer_says_all_that_a_partner_needs_and_nothing_of_the_customer() -> None:
    hall = await outsourced()
    (message,) = hall.rows.orders
    body = json.loads(body_of(message, LINKS))
    assert (body["type"], body["timestamp"]) == ("work_order.offered", START.isoformat())
    page = f"https://work.example.com/v1/work-orders/{LINKS.tokens.issue(ACME, message.offer_id)}"
    assert body["data"] == {
        "work_order_id": str(message.offer_id),
        "workspace": ACME,
        "ticket_id": str(ticket_id("t")),
        "queue": "field",
        "priority": "high",
        "skills": {"plumbing": 2},
        "labels": {"site": "berlin-2"},
        "answer_by": (START + timedelta(minutes=30)).isoformat(),
        "page_url": page,
        "accept_url": f"{page}/accept",
        "decline_url": f"{page}/decline",
        "complete_url": f"{page}/complete",
    }
    assert message.give_up_at == START + timedelta(minutes=30)
    assert message.webhook_id == f"{message.offer_id}-offered"


async def test_every_end_of_an_order_is_told_once_with_its_reason() -> None:
    hall = await outsourced()
    await answered(hall, accepts=False)
    assert told(hall) == [("offered", None), ("ended", "partner_declined")]
    hall = await outsourced()
    hall.now_ += timedelta(minutes=30)
    await hall.asked()
    assert told(hall) == [("offered", None), ("ended", "partner_silent")]
    hall = await outsourced()
    await becomes(hall, TicketStatus.CLOSED)
    assert told(hall) == [("offered", None), ("ended", "closed")]
    hall = await outsourced()
    await answered(hall, accepts=True)
    await becomes(hall, TicketStatus.SOLVED)
    assert told(hall) == [("offered", None), ("accepted", None), ("ended", "completed")]


async def test_what_a_partner_remarks_is_recorded_and_not_told_to_the_world() -> None:
    hall = await outsourced()
    await answered(hall, accepts=False)
    (declined,) = [told for told in hall.told if isinstance(told, OfferDeclinedV1)]
    assert (declined.agent_id, declined.reason) == (FIELD, "partner_declined")
    assert not any("van" in told.model_dump_json() for told in hall.told)
    assert any("no van" in str(recorded.record) for recorded in hall.rows.decided)


async def test_why_an_agent_declines_is_recorded_and_not_told_to_the_world() -> None:
    hall = await outsourced()
    await hall.asked(inputs.Transfer(ticket_id=ticket_id("t"), reason="Smith", actor_id="boss", queue="general"))
    (offer,) = hall.state.offers.values()
    await hall.asked(inputs.DeclineOffer(offer_id=offer.offer_id, agent_id="ann", reason="smith"))
    declined = [told for told in hall.told if isinstance(told, OfferDeclinedV1)]
    assert [(each.agent_id, each.reason) for each in declined] == [("ann", "declined")]
    assert not any("smith" in told.model_dump_json().lower() for told in hall.told)
    assert any("smith" in str(recorded.record) for recorded in hall.rows.decided)


async def test_why_an_agent_is_away_is_told_where_it_is_a_word() -> None:
    hall = await outsourced()
    said = [("away", "lunch"), ("away", "Mrs Smith's call"), ("away", "Mr Jones"), ("busy", None)]
    for state, reason in said:
        await hall.asked(inputs.SetAgentState(agent_id="ann", state=AgentState(state), reason=reason))
        assert hall.state.agents["ann"].reason == reason
    told = [told for told in hall.told if isinstance(told, AgentStateChangedV1)][-3:]
    # Of two texts nothing is told, so between them nothing has changed.
    assert [(each.state, each.reason) for each in told] == [("away", "lunch"), ("away", None), ("busy", None)]


async def test_taking_an_accepted_order_away_names_the_order_that_it_was() -> None:
    hall = await outsourced()
    await answered(hall, accepts=True)
    await hall.asked(inputs.Transfer(ticket_id=ticket_id("t"), reason="ours", actor_id="boss", queue="general"))
    assert told(hall) == [("offered", None), ("accepted", None), ("ended", "transfer")]
    assert len({message.offer_id for message in hall.rows.orders}) == 1
    assert json.loads(body_of(hall.rows.orders[-1], LINKS))["data"].keys() == {
        *("work_order_id", "workspace", "ticket_id", "queue", "reason")
    }


async def test_what_is_told_names_the_address_of_the_partner_of_its_time() -> None:
    hall = await outsourced()
    await hall.configured(part(url="https://other.example/"))
    assert told(hall) == [("offered", None), ("ended", "partner_changed"), ("offered", None)]
    first, ended, again = hall.rows.orders
    assert (first.url, ended.url, again.url) == (PARTNER["url"], PARTNER["url"], "https://other.example/")
    assert (first.offer_id, PARTNER["secret"] in repr(first)) == (ended.offer_id, False)


async def test_nobody_outside_is_told_of_the_houses_work() -> None:
    hall = await outsourced()
    await answered(hall, accepts=False)
    before: list[OrderMessage] = list(hall.rows.orders)
    (offer,) = hall.state.offers.values()
    await hall.asked(inputs.AcceptOffer(offer_id=offer.offer_id, agent_id="ann"))
    assert hall.rows.orders == before


async def test_a_lost_memory_knows_partners_and_their_deadlines() -> None:
    hall = await outsourced()
    await answered(hall, accepts=True)
    await hall.load()
    assert hall.state.agents[FIELD].state is AgentState.AVAILABLE
    hall.now_ += timedelta(days=2)
    await hall.asked()
    assert told(hall)[-1] == ("ended", "partner_late")
