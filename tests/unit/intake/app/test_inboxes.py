"""One mail to several of our addresses: one message, or one in each channel that has its own tickets."""

import pytest

from services.intake.domain.message import Disposition
from services.intake.domain.workspace import Channel, Workspace
from shared.vocabulary import ChannelKind
from tests.unit.intake.app.letters import ACME, ADA, BOB, Letter, World, support
from tests.unit.intake.app.memory import Memory

SALES, BILLING = f"sales@{ACME}.example", f"billing@{ACME}.example"


def channel(name: str, *, has_own_tickets: bool = False) -> Channel:
    address = f"{name}@{ACME}.example"
    return Channel(channel_id=name, kind=ChannelKind.EMAIL, address=address, has_own_tickets=has_own_tickets)


@pytest.fixture
def world() -> World:
    channels = [channel("support"), channel("billing"), channel("sales", has_own_tickets=True)]
    return World(Memory({ACME: Workspace(version=1, channels={one.channel_id: one for one in channels})}))


def to_all(world: World) -> Letter:
    return world.opening(ACME, ADA, BOB, SALES, BILLING)


@pytest.mark.parametrize("order", [("support", "billing", "sales"), ("sales", "billing", "support")])
def test_a_channel_with_its_own_tickets_has_its_own_message(world: World, order: tuple[str, ...]) -> None:
    letter = to_all(world)
    outcomes = {name: world.receive(letter, name) for name in order}
    assert {name: outcome.disposition for name, outcome in outcomes.items()} == {
        order[0]: Disposition.OPENED,
        "billing": Disposition.OPENED if order[0] == "sales" else Disposition.DUPLICATE,
        order[2]: Disposition.DUPLICATE if order[0] == "sales" else Disposition.OPENED,
    }
    assert outcomes["support"].ticket_id == outcomes["billing"].ticket_id != outcomes["sales"].ticket_id
    (own,) = [one for one in world.memory.messages if one.ticket_id == outcomes["sales"].ticket_id]
    assert own.message.delivered_to == (SALES,)
    for name in order:
        again = world.receive(letter, name)
        assert (again.disposition, again.ticket_id) == (Disposition.DUPLICATE, outcomes[name].ticket_id)


def test_an_answer_to_all_joins_the_ticket_of_each(world: World) -> None:
    letter = to_all(world)
    tickets = {name: world.receive(letter, name).ticket_id for name in ("support", "sales")}
    agents = world.agents_answer(letter)
    assert agents
    for to in (letter, agents):
        answer = world.answer(to, ADA, {"address", "in_reply_to", "references", "tag"}, BOB, SALES)
        for name in ("sales", "support"):
            outcome = world.receive(answer, name)
            assert (outcome.disposition, outcome.ticket_id) == (Disposition.APPENDED, tickets[name])


def test_what_points_to_a_ticket_of_another_channel_points_nowhere(world: World) -> None:
    letter = world.opening(ACME, ADA)
    world.receive(letter)
    answer = world.answer(letter, ADA, {"in_reply_to", "references"}, SALES)
    assert world.receive(answer, "sales").disposition is Disposition.OPENED
    assert world.receive(answer, "billing").disposition is Disposition.APPENDED


def test_mails_that_overtake_each_other_meet_in_their_channel(world: World) -> None:
    letter = to_all(world)
    answer = world.answer(letter, BOB, {"in_reply_to"}, ADA, SALES, support(ACME))
    tickets = {name: world.receive(answer, name).ticket_id for name in ("sales", "support")}
    assert len(set(tickets.values())) == 2
    assert {name: world.receive(letter, name).ticket_id for name in tickets} == tickets
