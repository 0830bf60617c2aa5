"""What users of other systems complained about, and what happens here: uneven load (chatwoot#11034, #1198)."""

from collections import Counter
from collections.abc import Sequence

import pytest

from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.router.crowd import CROWD, Given, employ, given
from tests.integration.router.floor import Floor

SIX = CROWD[:6]
TEN_MAILS = {"limits": {"email": {"cost": 10, "most": 10}}}
ONE_MAIL = {"capacity": 20}


async def test_b4_of_sixty_tickets_nobody_has_two_more_than_another(floor: Floor) -> None:
    await employ(floor, SIX, of_agents=TEN_MAILS, offer_mode="auto", ranking="least_loaded")
    for name in SIX:
        await floor.set_state(name)
    tickets = [f"t{number}" for number in range(60)]
    for name in tickets:
        await floor.open_ticket(name)
    await eventually(lambda: _have(floor, 60))
    assert widest_gap(await given(floor, tickets), SIX) == 1


async def test_b4_whoever_has_idled_longest_is_next_and_who_comes_late_is_not_flooded(floor: Floor) -> None:
    """Three tickets at a time come, and are solved before the next three do: half of the agents idle."""
    late = CROWD[6]
    await employ(floor, [*SIX, late], of_agents=ONE_MAIL, offer_mode="auto", ranking="longest_idle")
    for name in SIX:
        await floor.set_state(name)
    before = await _waves(floor, range(7))
    await floor.set_state(late)
    after = await _waves(floor, range(7, 14))
    assert widest_gap(await given(floor, before), SIX) == 1
    # Agents whom one commit frees have idled equally long then, and their ids decide.
    assert widest_gap(await given(floor, after), [*SIX, late]) <= 2


@pytest.mark.parametrize("ranking", ["longest_idle", "least_loaded"])
async def test_b4_who_declines_is_asked_no_more_often_than_the_others(floor: Floor, ranking: str) -> None:
    await employ(floor, SIX, of_agents=ONE_MAIL, ranking=ranking)
    for name in SIX:
        await floor.set_state(name)
    tickets = [f"t{number}" for number in range(12)]
    for name in tickets:
        await floor.open_ticket(name)
        agent_id, offer_id = await _asked(floor, name)
        if agent_id == SIX[0]:
            await _answer(floor, offer_id, "decline", {"reason": "not now"})
            _, offer_id = await _asked(floor, name, but=agent_id)
        await _answer(floor, offer_id, "accept")
        await floor.set_status(name, TicketStatus.OPEN, TicketStatus.SOLVED)
    assert widest_gap(await given(floor, tickets, "WorkOffered"), SIX) <= 2
    assert widest_gap(await given(floor, tickets), SIX[1:]) <= 2


def widest_gap(made: Sequence[Given], agents: Sequence[str]) -> int:
    """By how many an agent was ahead of another at most, at any time."""
    counts = Counter(dict.fromkeys(agents, 0))
    widest = 0
    for each in made:
        counts[each.agent_id] += 1
        widest = max(widest, max(counts.values()) - min(counts.values()))
    assert set(counts) == set(agents)
    return widest


async def _waves(floor: Floor, numbers: range) -> list[str]:
    """Three tickets at a time, all solved before the next ones come."""
    everything = []
    for number in numbers:
        wave = [f"{number}-{each}" for each in range(3)]
        for name in wave:
            await floor.open_ticket(name)
        await eventually(lambda: _have(floor, 3))
        for name in wave:
            await floor.set_status(name, TicketStatus.OPEN, TicketStatus.SOLVED)
        await eventually(lambda: _have(floor, 0))
        everything += wave
    return everything


async def _have(floor: Floor, count: int) -> bool:
    return bool((await floor.http.get("/v1/queues/default")).json()["assigned"] == count)


async def _asked(floor: Floor, name: str, but: str = "") -> tuple[str, str]:
    """The (agent, offer) that a ticket is offered to, once there is one; but: to somebody else than them."""

    async def probe() -> tuple[str, str] | None:
        for agent_id in SIX:
            for offer in await floor.offers(agent_id):
                if offer["ticket_id"] == str(floor.ticket_id(name)) and agent_id != but:
                    return agent_id, offer["offer_id"]
        return None

    found = await eventually(probe)
    assert found is not None
    return found


async def _answer(floor: Floor, offer_id: str, answer: str, body: dict[str, str] | None = None) -> None:
    told = await floor.http.post(f"/v1/offers/{offer_id}/{answer}", json=body)
    assert told.status_code in (200, 204), told.text
