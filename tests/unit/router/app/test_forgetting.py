"""Words about a customer who was erased go from the record, which is decided again as it stands."""

from datetime import timedelta

from services.router.adapters.recorded import Place
from services.router.adapters.replaying import replay
from services.router.app.forgetting import forgotten_decision
from services.router.app.replay import blank
from services.router.domain import inputs
from shared.events.tickets import TicketErasedV1
from shared.vocabulary import TicketStatus
from tests.unit.router.app.test_work_orders import FIELD, answered, becomes, outsourced
from tests.unit.router.domain.desk import START, ticket_id
from tests.unit.router.memory import ACME, Hall

CANARY = "Xanthippe Q."
TICKET = ticket_id("t")


async def talked_about() -> Hall:
    """A ticket about which everybody who could has said something; each a second after the other."""
    hall = await outsourced()
    await answered(hall, accepts=True)
    given_back = inputs.EndOrder(
        offer_id=next(iter(hall.state.items.values())).accepted_offer_id or TICKET,
        agent_id=FIELD,
        is_done=True,
        reason=f"{CANARY} was out",
    )
    await later(hall, given_back)
    (offer,) = hall.state.offers.values()
    await later(hall, inputs.DeclineOffer(offer_id=offer.offer_id, agent_id="ann", reason=f"not {CANARY} again"))
    await later(hall, inputs.Assign(ticket_id=TICKET, agent_id="ann", actor_id="boss"))
    await later(hall, inputs.Release(ticket_id=TICKET, actor_id="a: b", reason=f"{CANARY}: no"))
    await later(hall, inputs.Transfer(ticket_id=TICKET, actor_id="boss", reason=CANARY, agent_id="ann"))
    await later(hall, inputs.Transfer(ticket_id=TICKET, actor_id="boss", reason=CANARY, queue="field"))
    (offer,) = hall.state.offers.values()
    await later(hall, inputs.DeclineOffer(offer_id=offer.offer_id, agent_id=FIELD, reason=CANARY))
    return hall


async def later(hall: Hall, asked: inputs.Input) -> None:
    hall.now_ += timedelta(seconds=1)
    (answer,) = await hall.asked(asked)
    assert not isinstance(answer, Exception), answer


async def erased(hall: Hall) -> None:
    await becomes(hall, TicketStatus.CLOSED)
    await hall.happens(TicketErasedV1(ticket_id=TICKET))


def recorded(hall: Hall) -> str:
    return str((hall.rows.log, hall.rows.decided))


def notes(hall: Hall) -> set[str]:
    reasons = [each.record.get("reasons") for each in hall.rows.decided]
    return {str(each["note"]) for each in reasons if isinstance(each, dict) and each["note"]}


async def test_nobodys_words_are_left_and_all_is_decided_again_as_it_stands() -> None:
    hall = await talked_about()
    assert recorded(hall).count(CANARY) > 10
    await erased(hall)
    assert CANARY not in recorded(hall)
    assert CANARY not in str(hall.told)
    assert {"erased", "a: b: erased", "boss: erased", "boss"} <= notes(hall)
    found = await replay(hall.rows, blank(ACME), Place(0, 0), Place(len(hall.rows.log), len(hall.rows.decided)))
    assert found.first == []
    assert found.decisions == len(hall.rows.decided)


async def test_words_about_others_stay() -> None:
    hall = await talked_about()
    before = recorded(hall)
    await hall.happens(TicketErasedV1(ticket_id=ticket_id("other")))
    assert recorded(hall) == before


async def test_an_erasure_that_is_told_again_changes_nothing() -> None:
    hall = await talked_about()
    await erased(hall)
    before = recorded(hall)
    await hall.happens(TicketErasedV1(ticket_id=TICKET))
    assert recorded(hall) == before


def test_of_a_decision_whose_input_is_gone_every_note_goes_that_may_quote_somebody() -> None:
    def left(kind: str, **record: object) -> object:
        given = {**record, "reasons": {"note": f"boss: {CANARY}"}}
        return forgotten_decision(kind, given, START, (), is_orphan=True)["reasons"]["note"]

    assert left("WorkRequeued", reason="transfer") == "erased"
    assert left("WorkAssigned", mode="manual") == "erased"
    assert left("WorkRequeued", reason="escalation") == f"boss: {CANARY}"
