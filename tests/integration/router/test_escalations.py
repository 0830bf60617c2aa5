"""Escalations as they come from the topic, and what they leave behind in decisions and rows."""

from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.router.floor import Floor, words


async def told(floor: Floor, name: str, sentence: str) -> None:
    """Until a ticket's decisions say so."""

    async def probe() -> bool:
        return any(sentence in line for line in words(await floor.decisions(name)))

    await eventually(probe, what=sentence)


async def test_an_escalation_hands_over_does_not_go_in_circles_and_says_why_nothing_was_done(floor: Floor) -> None:
    for agent_id in ("ann", "bob", "eve"):
        await floor.set_state(agent_id)
    await floor.open_ticket("t")
    await floor.accept("ann", "t")
    await floor.escalate("t", agent_id="eve")
    await told(floor, "t", "asks for agent eve, which is not done: may not have it (support_tier).")
    await floor.escalate("t", agent_id="bob")
    await floor.offered("bob", "t")
    assert await floor.work("ann") == []
    await floor.escalate("t", support_tier=2, agent_id="eve")
    await floor.accept("eve", "t")
    await floor.escalate("t", support_tier=1)
    await told(floor, "t", "tier 1, which is not done: another escalation took it away from there.")
    await floor.set_status("t", TicketStatus.NEW, TicketStatus.SOLVED)
    await floor.escalate("t", widen=True)
    await told(floor, "t", "asks for more agents, which is not done: the ticket is solved.")
    last = (await floor.decisions("t"))[-1]
    assert (last["kind"], last["work_id"]) == ("EscalationRefused", None)


async def test_an_escalation_asks_at_once_whom_the_policy_would_ask_later(floor: Floor) -> None:
    stored = (await floor.http.get("/v1/configuration")).json()
    part = stored["configuration"]
    part["policy"]["rules"][1]["steps"] = [
        {"after": "1h", "lower": {"german": 1}},
        {"after": "2h", "drop": ["german"]},
    ]
    version = {"If-Match": f'"{stored["version"]}"'}
    answer = await floor.http.put("/v1/configuration", json=part, headers=version)
    assert answer.status_code == 200, answer.text
    await floor.set_state("bob")
    await floor.open_ticket("t", language="de")
    await floor.escalate("t", widen=True)
    await floor.accept("bob", "t")
    await told(floor, "t", "Step 2 opens at once (escalation ")
