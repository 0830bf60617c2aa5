"""The order in which a queue gives out its work, with the clocks that escalation tells of."""

from datetime import UTC, datetime, timedelta
from uuid import uuid5

from shared.events.escalations import RaisePriority, SlaClockStartedV1
from shared.vocabulary import SlaMetric, TicketStatus
from tests.eventually import eventually
from tests.integration.router.floor import NAMES, Floor, words


async def test_a_promise_brings_work_forward_and_what_is_expedited_comes_before_it(floor: Floor) -> None:
    await configure(floor)
    await floor.tell(clock(floor, "promised"))
    for name, labels in (("old", {}), ("promised", {}), ("vip", {"product": "vip"})):
        await floor.open_ticket(name, labels=labels)
        await told(floor, name, "it waits in queue general")
    # By the same topic: when its priority has been raised, the clock has been read too.
    await floor.escalate("old", action=RaisePriority(by=3))
    await told(floor, "old", "Its priority is urgent now")
    await floor.set_state("ann")
    for name in ("vip", "promised", "old"):
        work = await floor.accept("ann", name)
        assert work["is_expedited"] == (name == "vip")
        assert [item["ticket_id"] for item in await floor.work("ann")] == [str(floor.ticket_id(name))]
        await floor.set_status(name, TicketStatus.NEW, TicketStatus.SOLVED)
    queue = (await floor.http.get("/v1/queues/general")).json()
    assert queue["order"] == "sla_urgency"
    assert "at the front of its line" in words(await floor.decisions("vip"))[0]
    assert "It was put at the front of the line" in words(await floor.decisions("vip"))[1]
    assert "It had used up 50% of a promise" in words(await floor.decisions("promised"))[1]


async def configure(floor: Floor) -> None:
    """Ann takes one mail at a time, the most urgent by what was promised; whoever has the label `vip` first."""
    stored = (await floor.http.get("/v1/configuration")).json()
    part = stored["configuration"]
    part["queues"][0]["order"] = "sla_urgency"
    part["agents"][0]["limits"] = {"email": {"cost": 20, "most": 1}}
    vip = {
        "id": "vip",
        "when": 'has(ticket.labels.product) && ticket.labels.product == "vip"',
        "queue": "general",
        "expedite": True,
    }
    part["policy"]["rules"].insert(0, vip)
    version = {"If-Match": f'"{stored["version"]}"'}
    answer = await floor.http.put("/v1/configuration", json=part, headers=version)
    assert answer.status_code == 200, answer.text


def clock(floor: Floor, name: str) -> SlaClockStartedV1:
    """Half of what was promised is over."""
    now = datetime.now(UTC)
    return SlaClockStartedV1(
        clock_id=uuid5(NAMES, f"clock/{floor.workspace_id}/{name}"),
        ticket_id=floor.ticket_id(name),
        metric=SlaMetric.FIRST_REPLY,
        generation=1,
        policy="all",
        policy_version=1,
        target_s=7200,
        started_at=now - timedelta(hours=1),
        due_at=now + timedelta(hours=1),
    )


async def told(floor: Floor, name: str, sentence: str) -> None:
    """Until a ticket's decisions say so."""

    async def probe() -> bool:
        answer = await floor.http.get(f"/v1/tickets/{floor.ticket_id(name)}/decisions")
        return answer.status_code == 200 and any(sentence in line for line in words(answer.json()["items"]))

    await eventually(probe, what=sentence)
