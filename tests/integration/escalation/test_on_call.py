"""`/v1/on-call`: past and present, overrides and swaps, gaps, calendars."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from tests.clients import client
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, target
from tests.integration.outside import Website
from tests.scribe import uid

Json = dict[str, Any]

DAY = timedelta(days=1)
CONTACTS = [
    {"agent": "ada", "email": "ada@example.com", "name": "Ada; Countess, of\nLovelace"},
    {"agent": "ben", "email": "ben@example.com"},
    {"agent": "cy", "email": "cy@example.com"},
]


def rotation(desk: Desk, *members: str, **fields: Any) -> Json:
    """A turn a week, by the clock of Berlin. Nobody hands off in the next four days."""
    yesterday = desk.now(-86_400).date().isoformat()
    layer = {"members": members, "starts_on": yesterday, **fields}
    return {"id": "desk", "time_zone": "Europe/Berlin", "layers": [layer]}


async def set_up(desk: Desk, *members: str, **fields: Any) -> Json:
    """A rotation, which has held for a day."""
    return await desk.configure(contacts=CONTACTS, rotations=[rotation(desk, *members, **fields)])


async def get(desk: Desk, path: str, **params: str) -> Any:
    answer = await desk.http.get(f"/v1/on-call{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def on_call(desk: Desk, at: datetime | None = None) -> Json:
    (found,) = (await get(desk, "", **({"at": at.isoformat()} if at else {})))["items"]
    return dict(found)


async def post(desk: Desk, path: str, status: int = 201, *, key: str | None = None, **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await desk.http.post(f"/v1/on-call/{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_who_was_is_and_will_be_on_call(desk: Desk) -> None:
    begins = desk.now(-86_400).date().isoformat()
    applied = await set_up(desk, "ada", "ben", "cy", starts_on=begins)
    assert applied["warnings"] == []
    now = await on_call(desk)
    assert (now["rotation"], now["why"], now["source"]) == ("desk", "layer", "main")
    # It holds for a day: what was before, nobody had to answer for.
    assert (await get(desk, "", at=desk.now(-2 * 86_400).isoformat()))["items"] == []
    order = ["ada", "ben", "cy"]
    later = await on_call(desk, moment(now["until"]))
    assert later["agent"] == now["next"]["agent"] == order[(order.index(now["agent"]) + 1) % 3]
    # Whoever is on stays on, whoever left is gone at once, and what was stays what it was.
    others = [agent for agent in order if agent != now["agent"]]
    await set_up(desk, now["agent"], *reversed(others), starts_on=begins)
    assert (await on_call(desk))["agent"] == now["agent"]
    edit = desk.now(-86_400)
    await set_up(desk, *others, starts_on=begins)
    assert (await on_call(desk, edit))["agent"] == now["agent"]
    assert (await on_call(desk))["agent"] == others[-1]


async def test_an_override_holds_until_it_is_ended_and_what_was_is_not_changed(desk: Desk) -> None:
    await set_up(desk, "ada")
    end = desk.now(3600).isoformat()
    wanted: Json = {"rotation": "desk", "agent": "ben", "end": end, "reason": "Ada is ill."}
    made = await post(desk, "overrides", key="once", **wanted)
    assert await post(desk, "overrides", key="once", **wanted) == made
    assert (await on_call(desk))["agent"] == "ben"
    refused = await post(desk, "overrides", 409, **wanted)
    assert made["override_id"] in refused["detail"]
    await desk.system.travel(timedelta(minutes=30))
    path = f"/v1/on-call/overrides/{made['override_id']}"
    for _ in range(2):
        assert (await desk.http.delete(path)).status_code == 204
    assert (await on_call(desk))["agent"] == "ada"
    assert (await on_call(desk, desk.now(-60)))["source"] == made["override_id"]
    kept = await get(desk, f"/overrides/{made['override_id']}")
    assert (kept["ended_by"], kept["end"], kept["reason"]) == ("tests", made["end"], "Ada is ill.")
    # Withdrawn before it began, one never was; one that is over stays.
    begin = desk.now(7200).isoformat()
    gone = await post(desk, "overrides", **{**wanted, "start": begin, "end": desk.now(9000).isoformat()})
    assert (await desk.http.delete(f"/v1/on-call/overrides/{gone['override_id']}")).status_code == 204
    assert (await on_call(desk, desk.now(8000)))["agent"] == "ada"
    over = await post(desk, "overrides", **{**wanted, "end": desk.now(600).isoformat()})
    await desk.system.travel(timedelta(hours=1))
    assert (await desk.http.delete(f"/v1/on-call/overrides/{over['override_id']}")).status_code == 409
    listed = (await get(desk, "/overrides", rotation="desk"))["items"]
    assert [item["override_id"] for item in listed] == [item["override_id"] for item in (over, gone, made)]


async def test_two_people_swap_their_shifts(desk: Desk) -> None:
    await set_up(desk, "ada", "ben", "cy")
    now = await on_call(desk)
    shifts = await get(desk, "/desk/shifts", to=desk.now(30 * 86_400).isoformat())
    _, first, second, *_ = shifts["items"]
    swap: Json = {"rotation": "desk", "first": first["start"], "second": second["start"]}
    halves = (await post(desk, "swaps", **swap))["items"]
    assert [(half["agent"], half["start"], half["end"]) for half in halves] == [
        (second["agent"], first["start"], first["end"]),
        (first["agent"], second["start"], second["end"]),
    ]
    assert halves[0]["swap_id"] == halves[1]["swap_id"]
    assert (await on_call(desk, moment(first["start"])))["agent"] == second["agent"]
    assert (await on_call(desk))["agent"] == now["agent"]
    await post(desk, "swaps", 409, **swap)
    # Either half takes back the whole swap.
    assert (await desk.http.delete(f"/v1/on-call/overrides/{halves[1]['override_id']}")).status_code == 204
    assert (await on_call(desk, moment(first["start"])))["agent"] == first["agent"]
    await post(desk, "swaps", 422, **{**swap, "second": shifts["items"][3]["start"], "first": now["since"]})


async def test_gaps_are_told_on_saving_and_when_asked(desk: Desk) -> None:
    applied = await set_up(desk, "ada", hours={"mon": ["09:00-17:00"]})
    assert "nobody on call in 9 stretches" in applied["warnings"][0] or "10 stretches" in applied["warnings"][0]
    found = await get(desk, "/gaps")
    assert {gap["rotation"] for gap in found["gaps"]} == {"desk"}
    assert len(found["gaps"]) in (9, 10)
    assert found["overlaps"] == []


async def test_a_calendar_can_be_subscribed_to_by_a_link_until_it_is_revoked(desk: Desk) -> None:
    await set_up(desk, "ada", "ben")
    feed = await post(desk, "feeds", rotation="desk", agent="ada")
    async with client(desk.system.url("escalation")) as stranger:
        assert feed["url"] == desk.system.url("escalation") + feed["path"]
        answer = await stranger.get(feed["path"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/calendar")
        events = list(Calendar.from_ical(answer.content).walk("VEVENT"))
        again = Calendar.from_ical((await stranger.get(feed["path"])).content).walk("VEVENT")
        assert [event["uid"] for event in again] == [event["uid"] for event in events]
        assert {str(event["summary"]) for event in events} == {"Ada; Countess, of Lovelace is on call: desk"}
        # Every second week, half a year ahead.
        assert len(events) in (13, 14)
        assert (await stranger.get("/v1/on-call/desk.ics")).status_code == 401
        assert (await desk.http.delete(f"/v1/on-call/feeds/{feed['feed_id']}")).status_code == 204
        assert (await stranger.get(feed["path"])).status_code == 404
        assert (await stranger.get("/v1/on-call/feeds/bm90aGluZw.ics")).status_code == 404
    everybody = Calendar.from_ical((await desk.http.get("/v1/on-call/desk.ics")).content).walk("VEVENT")
    assert len(everybody) > 2 * len(events) - 3


FAR = "/desk/shifts?from=9999-12-31T23:00:00Z"


async def test_what_is_not_there_is_404_and_what_makes_no_sense_422(desk: Desk) -> None:
    await set_up(desk, "ada")
    neighbour = await desk.system.http("escalation", f"{desk.workspace_id}-2")
    for path in ("/desk/shifts", "/desk.ics", "/overrides/01900000-0000-7000-8000-000000000000"):
        assert (await neighbour.get(f"/v1/on-call{path}")).status_code == 404, path
    assert (await neighbour.get("/v1/on-call")).json()["items"] == []
    whole: Json = {"rotation": "desk", "agent": "ben", "end": desk.now(3600).isoformat()}
    bad: list[Json] = [
        {"rotation": "other"},
        {"agent": "zoe"},
        {"start": desk.now(-3600).isoformat()},
        {"end": desk.now(-3600).isoformat()},
        {"end": desk.now(800 * 86_400).isoformat()},
        {"start": "9999-12-31T23:59:59Z", "end": "9999-12-31T23:59:59Z"},
    ]
    for wrong in bad:
        await post(desk, "overrides", 422, **{**whole, **wrong})
    far: Json = {"first": "9999-12-31T23:59:59Z", "second": "0001-01-01T00:00:00Z"}
    await post(desk, "swaps", 422, rotation="desk", **far)
    for query in ("?at=tomorrow", "?at=9999-12-31T23:59:59Z", "/desk/shifts?to=2001-01-01T00:00:00Z", FAR):
        assert (await desk.http.get(f"/v1/on-call{query}")).status_code == 422, query


async def test_steps_tell_who_is_on_call_and_teams_one_after_the_other(desk: Desk) -> None:
    step = {"on_call": ["desk"], "teams_in_turn": ["front"], "manager": True}
    contacts = [{**contact, "teams": ["front"]} for contact in CONTACTS]
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": step}]}],
        contacts=contacts,
        rotations=[rotation(desk, "ada")],
    )
    await post(desk, "overrides", rotation="desk", agent="cy", end=desk.now(7200).isoformat())
    for number in range(4):
        desk.opened(f"t{number}", -20)
    await desk.tell()

    async def told() -> list[str]:
        names = [item["name"] for item in await desk.notifications()]
        assert names.count("manager") == 4
        return names

    names = list(await eventually(told))
    # Cy is on call, and not told twice where it is their turn besides: that is once of the four.
    assert sorted(names) == sorted(["manager"] * 4 + ["cy"] * 4 + ["ada", "ben", "ada"])


async def test_a_hand_off_passes_what_nobody_acknowledged_to_the_newcomer(desk: Desk, website: Website) -> None:
    path = f"/{desk.workspace_id}"
    noon = desk.now(12 * 3600).astimezone(ZoneInfo("Europe/Berlin"))
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"notify": {"on_call": ["desk"], "webhooks": ["pager"]}}]}],
        webhooks=[{"id": "pager", "url": website.url(path), "secret": f"whsec_{'A' * 43}="}],
        contacts=CONTACTS,
        rotations=[rotation(desk, "ada", "ben", "cy", period="daily", hand_off=f"{noon:%H:%M}")],
    )
    for ticket in ("left", "taken"):
        desk.opened(ticket, -20)
    await desk.tell()
    begun = await eventually(lambda: some(desk.escalations, 2))
    await eventually(lambda: some(desk.notifications, 4))
    order = [(await on_call(desk, desk.now(day * 86_400)))["agent"] for day in range(2)]
    taken = next(item for item in begun if item["ticket_id"] == str(uid(desk.named("taken"))))
    answer = await desk.http.post(f"/v1/escalations/{taken['escalation_id']}/acknowledge")
    assert answer.status_code == 200, answer.text
    await desk.system.travel(timedelta(days=1))
    await eventually(lambda: some(desk.notifications, 6))
    told = [
        (item["name"], item["ticket_id"]) for item in reversed(await desk.notifications()) if item["way"] == "mail"
    ]
    left = str(uid(desk.named("left")))
    assert [name for name, ticket in told if ticket == left] == order
    assert [name for name, ticket in told if ticket != left] == order[:1]
    (waiting,) = [item for item in await desk.escalations() if item["ticket_id"] == left]
    assert waiting["on_call"] == {"desk": order[1]}
    # So does an override, without any time passing.
    (stand_in,) = {"ada", "ben", "cy"} - {*order}
    await post(desk, "overrides", rotation="desk", agent=stand_in, end=desk.now(600).isoformat())
    await eventually(lambda: some(desk.notifications, 8))
    (waiting,) = [item for item in await desk.escalations() if item["ticket_id"] == left]
    assert waiting["on_call"] == {"desk": stand_in}
    # Steps are on the topic, hand-offs are not: nothing was done.
    await desk.hears("left", "sla.clock_started", "sla.breached", "escalation.raised")

    async def is_posted() -> bool:
        posted = [json.loads(call.body)["data"] for call in website.to(path)]
        handed_over = [(item["ticket_id"], item["handed_over_to"]) for item in posted if item["handed_over_to"]]
        assert handed_over == [(left, order[1:]), (left, [stand_in])]
        return True

    await eventually(is_posted)


async def some(read: Callable[[], Awaitable[list[Json]]], count: int) -> list[Json]:
    found = await read()
    assert len(found) == count
    return found


async def test_turns_are_fair_and_overrides_alone_however_many_ask_at_once(desk: Desk) -> None:
    await desk.configure(
        escalation_policies=[{"id": "chain", "steps": [{"notify": {"teams_in_turn": ["front"]}}]}],
        contacts=[{**contact, "teams": ["front"]} for contact in CONTACTS],
        rotations=[rotation(desk, "ada")],
    )
    tickets = [f"t{number}" for number in range(6)]
    for ticket in tickets:
        desk.opened(ticket, -5)
    await desk.tell()
    for ticket in tickets:
        await eventually(lambda ticket=ticket: desk.is_known(ticket))  # type: ignore[misc] # defaults bind
    paths = [f"/v1/tickets/{uid(desk.named(ticket))}/escalations" for ticket in tickets]
    raised = await asyncio.gather(*(desk.http.post(path, json={"reason": "Now."}) for path in paths))
    assert [answer.status_code for answer in raised] == [201] * 6
    told = Counter(item["name"] for item in await desk.notifications())
    assert told == {"ada": 2, "ben": 2, "cy": 2}
    wanted = {"rotation": "desk", "agent": "ben", "end": desk.now(3600).isoformat()}
    made = await asyncio.gather(*(desk.http.post("/v1/on-call/overrides", json=wanted) for _ in range(5)))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409, 409]
