"""Queues that stand for partners, over HTTP: signed work orders out, links back in, and the way to the house."""

import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from deploy.local.stack import Stack
from shared.db.unit_of_work import Tx
from shared.kafka.client import Producer
from tests.eventually import eventually
from tests.integration.outside import Call, Website
from tests.integration.router.floor import Floor, words
from tests.shards import SHARDS
from tests.system import System, Templates, start

PREFIX = "partners"
SECRET = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"
PUBLIC = "https://work.example.com/router"
FIELD = "partner:field"
FORM = "application/x-www-form-urlencoded"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture(scope="module")
async def router(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A router whose clock may be moved."""
    folder = tmp_path_factory.mktemp(PREFIX)
    async with start(
        stack, ("router",), prefix=PREFIX, templates=templates, folder=folder, public_url=PUBLIC
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def producer(router: System, stack: Stack) -> AsyncIterator[Producer]:
    made = Producer(stack.kafka.bootstrap, topic_prefix=PREFIX)
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def website() -> AsyncIterator[Website]:
    async with Website.open() as opened:
        yield opened


class House:
    """A floor whose tickets go to a partner first. Ann is the house."""

    def __init__(self, floor: Floor, website: Website) -> None:
        self.floor = floor
        self.website = website
        self.path = f"/{floor.workspace_id}"
        self.partner = httpx.AsyncClient(base_url=floor.system.url("router"))

    async def agree(self, **terms: object) -> None:
        """Configures the partner, and Ann is there."""
        answer = await self.configure(**terms)
        assert answer.status_code == 200, answer.text
        await self.floor.set_state("ann")

    async def configure(self, **terms: object) -> httpx.Response:
        return await self.put(self.part(**terms))

    async def put(self, part: dict[str, Any]) -> httpx.Response:
        return await self.floor.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})

    def part(self, **terms: object) -> dict[str, Any]:
        """The configuration, with these terms of the partner."""
        plain = {"url": self.website.url(self.path), "secret": SECRET, "fallback": "general"}
        return {
            "skills": ["plumbing"],
            "queues": [{"id": "general"}, {"id": "field", "partner": {**plain, **terms}}],
            "agents": [{"id": "ann", "queues": ["general"]}],
            "policy": {"default": {"queue": "field", "support_tier": 2, "skills": {"plumbing": 3}}},
        }

    async def told(self, event: str, count: int = 1) -> list[Call]:
        """Verified messages of this kind, once there are so many."""

        def probe() -> list[Call]:
            return [call for call in self.website.to(self.path) if json.loads(call.body)["type"] == event]

        await eventually(lambda: len(probe()) >= count, within_s=15, what=event)
        for call in probe():
            at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), tz=UTC)
            expected = Webhook(SECRET).sign(call.headers["webhook-id"], at, call.body.decode())
            assert call.headers["webhook-signature"] == expected
        return probe()

    async def order(self) -> dict[str, Any]:
        """What the last offer says."""
        return dict(json.loads((await self.told("work_order.offered"))[-1].body)["data"])

    async def post(self, url: str, **options: Any) -> httpx.Response:
        assert url.startswith(PUBLIC)
        return await self.partner.post(url.removeprefix(PUBLIC), **options)

    async def get(self, url: str, **headers: str) -> httpx.Response:
        return await self.partner.get(url.removeprefix(PUBLIC), headers=headers)

    async def ended(self, reason: str) -> None:
        """The partner is told why, and Ann is asked."""
        (call,) = await self.told("work_order.ended")
        assert json.loads(call.body)["data"]["reason"] == reason
        await self.floor.offered("ann", "t")

    async def rows(self, statement: str) -> Sequence[Any]:
        async def unit(tx: Tx) -> Sequence[Any]:
            return (await tx.execute(text(statement), {"ws": self.floor.workspace_id})).all()

        database = self.floor.system.services["router"].runtime.database
        return await database.transact(unit, workspaces=[self.floor.workspace_id], claims=range(SHARDS))


@pytest.fixture
async def house(floor: Floor, website: Website) -> AsyncIterator[House]:
    made = House(floor, website)
    async with made.partner:
        yield made


async def test_a_work_order_is_told_accepted_and_done(house: House) -> None:
    await house.agree(done_within="2d")
    ticket_id = await house.floor.open_ticket("t", labels={"site": "berlin-2"})
    order = await house.order()
    (offered,) = house.website.to(house.path)
    assert Webhook(SECRET).verify(offered.body, offered.headers)["data"] == order
    assert order["ticket_id"] == str(ticket_id)
    assert (order["queue"], order["skills"], order["labels"]) == ("field", {"plumbing": 3}, {"site": "berlin-2"})
    assert set(order) == {
        *("work_order_id", "workspace", "ticket_id", "queue", "priority", "skills", "labels", "answer_by"),
        *("page_url", "accept_url", "decline_url", "complete_url"),
    }
    accepted = await house.post(order["accept_url"])
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert (await house.post(order["accept_url"])).json() == accepted.json()
    (call,) = await house.told("work_order.accepted")
    assert json.loads(call.body)["data"]["done_by"] == accepted.json()["done_by"].replace("Z", "+00:00")
    done = await house.post(order["complete_url"], json={"reason": "new valve"})
    assert (done.status_code, done.json()["state"]) == (200, "ended")
    await house.ended("partner_done")
    said = words(await house.floor.decisions("t"))
    assert any("the partner of queue field, who accepted" in line for line in said)
    assert any("The partner is done" in line and "new valve" in line for line in said)
    again = await house.post(order["complete_url"], json={"reason": "new valve"})
    assert (again.status_code, again.json()) == (200, done.json())
    for action in ("accept", "decline"):
        late = await house.post(order[f"{action}_url"])
        assert (late.status_code, late.json()["type"].rsplit("/")[-1]) == (409, "offer-not-pending")
    assert len(await house.told("work_order.ended")) == 1


async def test_what_a_partner_declines_is_the_houses(house: House) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    order = await house.order()
    declined = await house.post(order["decline_url"], json={"reason": "no van"})
    assert (declined.status_code, declined.json()["state"]) == (200, "ended")
    await house.ended("partner_declined")
    assert any("was declined: no van" in line for line in words(await house.floor.decisions("t")))
    again = await house.post(order["decline_url"], json={"reason": "no van"})
    assert (again.status_code, again.json()) == (200, declined.json())
    assert (await house.post(order["accept_url"])).status_code == 409
    assert (await house.post(order["complete_url"])).status_code == 409
    assert (await house.floor.http.get("/v1/agents")).json()["items"][0]["agent_id"] == "ann"
    assert len((await house.floor.http.get("/v1/agents")).json()["items"]) == 1


async def test_looking_at_a_link_changes_nothing_and_the_buttons_do(house: House) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    order = await house.order()
    page = await house.get(order["page_url"], accept="text/html")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    for name in ("accept", "decline", "complete"):
        assert (await house.get(order[f"{name}_url"])).status_code == 405
    assert (await house.get(order["page_url"])).json()["state"] == "offered"
    actions = re.findall(r'action="([^"]+)"', page.text)
    assert [action.rsplit("/")[-1] for action in actions] == ["accept", "decline"]
    base = order["page_url"].removeprefix(PUBLIC)
    pressed = await house.partner.post(
        httpx.URL("http://x").join(base).join(actions[0]).path, headers={"accept": BROWSER, "content-type": FORM}
    )
    assert pressed.status_code == 303
    assert httpx.URL(f"http://x{base}/accept").join(pressed.headers["location"]).path == base
    shown = await house.get(order["page_url"], accept="text/html")
    assert "it is yours" in shown.text
    given_back = await house.post(
        order["decline_url"], headers={"accept": BROWSER}, data={"reason": "<b>broken</b>\0"}
    )
    assert given_back.status_code == 303
    await house.ended("partner_returned")
    assert (await house.post(order["decline_url"])).json()["state"] == "ended"
    assert "<form" not in (await house.get(order["page_url"], accept="text/html")).text
    late = await house.post(order["accept_url"], headers={"accept": BROWSER, "content-type": FORM})
    assert (late.status_code, late.headers["content-type"]) == (409, "text/html; charset=utf-8")
    (back,) = re.findall(r'<a href="([^"]+)"', late.text)
    assert httpx.URL(f"http://x{base}/accept").join(back).path == base


@pytest.mark.parametrize(
    "accept",
    [
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "application/json, text/html;q=0.1",
        "*/*",
        "application/json",
    ],
)
async def test_a_client_that_posts_no_form_is_told_what_became_of_it(house: House, accept: str) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    order = await house.order()
    wrong = [
        await house.post(order["decline_url"], json={"why": "x"}, headers={"accept": accept}),
        await house.post(
            order["decline_url"], content=b"x", headers={"accept": accept, "content-type": "text/plain"}
        ),
        await house.post(
            order["decline_url"], content=b" " * 17_000, headers={"accept": accept, "content-type": FORM}
        ),
        await house.post(order["complete_url"], headers={"accept": accept}),
    ]
    assert [answer.status_code for answer in wrong] == [422, 415, 413, 409]
    accepted = await house.post(order["accept_url"], headers={"accept": accept})
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")


async def test_who_comes_too_often_is_told_so_by_a_page_too(house: House) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    order = await house.order()
    for _ in range(60):
        await house.get(order["page_url"])
    form = {"accept": BROWSER, "content-type": FORM}
    pages = [
        await house.post(order["accept_url"], headers=form),
        await house.get(order["page_url"], accept=BROWSER),
    ]
    for answer in pages:
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (await house.post(order["accept_url"])).json()["type"].rsplit("/")[-1] == "too-many-requests"


@pytest.mark.parametrize("bad", ["%E2%82%AC", "%0d%0aX-Evil:%201", "%00", "A" * 201])
async def test_no_text_in_place_of_a_token_breaks_anything(house: House, bad: str) -> None:
    for method, path in (("GET", bad), ("POST", f"{bad}/accept")):
        told = await house.partner.request(method, f"/v1/work-orders/{path}", headers={"content-type": FORM})
        assert (told.status_code, told.json()["detail"]) == (404, "There is no such work order.")
        shown = await house.partner.request(
            method, f"/v1/work-orders/{path}", headers={"content-type": FORM, "accept": BROWSER}
        )
        assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "There is no such work order." in shown.text
        assert "location" not in shown.headers


async def test_no_other_token_opens_anything(house: House) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    order = await house.order()
    token = order["page_url"].rsplit("/", 1)[1]
    for bad in (token[:-1], f"{token[:-2]}{'A' if token[-2] != 'A' else 'B'}{token[-1]}", "x", "%00", "é" * 20):
        for method, path in (("GET", bad), ("POST", f"{bad}/accept")):
            answer = await house.partner.request(method, f"/v1/work-orders/{path}")
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such work order."), bad
    page = await house.partner.get("/v1/work-orders/x", headers={"accept": "text/html"})
    assert (page.status_code, "text/html" in page.headers["content-type"]) == (404, True)
    wrong = [
        await house.post(order["decline_url"], content=b"{", headers={"content-type": "application/json"}),
        await house.post(order["decline_url"], json={"why": "x"}),
        await house.post(order["decline_url"], json={"reason": "x" * 501}),
        await house.post(order["decline_url"], content=b"x", headers={"content-type": "text/plain"}),
    ]
    assert [answer.status_code for answer in wrong] == [400, 422, 422, 415]
    assert (await house.get(order["page_url"])).json()["state"] == "offered"


async def test_a_message_is_sent_again_under_the_same_id_until_it_is_taken(house: House) -> None:
    house.website.answers[house.path] = [503, 301, 200]
    await house.agree(answer_within="1h")
    await house.floor.open_ticket("t")
    calls = await house.told("work_order.offered", 3)
    order_id = (await house.order())["work_order_id"]
    assert {call.headers["webhook-id"] for call in calls} == {f"{order_id}-offered"}
    assert len({call.body for call in calls}) == 1
    assert house.website.to("/moved") == []

    async def is_settled() -> bool:
        found = await house.rows("SELECT * FROM work_order_message WHERE workspace_id = :ws")
        return [(row.state, row.attempts, row.next_attempt_at) for row in found] == [("sent", 3, None)]

    await eventually(is_settled)


@pytest.mark.parametrize(
    "wish",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 99999999999999999999 Jan 2024 00:00:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    ],
)
async def test_no_answer_of_a_partner_ends_the_process(house: House, wish: str) -> None:
    house.website.answers[house.path] = [503, 200]
    house.website.retry_after[house.path] = wish
    await house.agree()
    await house.floor.open_ticket("t")
    await house.told("work_order.offered", 2)
    assert (await house.post((await house.order())["accept_url"])).status_code == 200


async def test_what_partners_were_told_is_listed_with_what_went_wrong(house: House) -> None:
    house.website.answers[house.path] = [503, 200]
    await house.agree()
    ticket_id = await house.floor.open_ticket("t")
    order = await house.order()
    await house.told("work_order.offered", 2)
    await house.post(order["accept_url"])
    await house.told("work_order.accepted")

    async def listed(query: str = "") -> dict[str, Any]:
        return dict((await house.floor.http.get(f"/v1/work-orders?queue=field{query}")).json())

    async def is_settled() -> bool:
        return [(each["event"], each["attempts"]) for each in (await listed("&state=sent"))["items"]] == [
            ("offered", 2),
            ("accepted", 1),
        ]

    await eventually(is_settled)
    first = await listed("&limit=1")
    second = await listed(f"&limit=1&cursor={first['next_cursor']}")
    told = [*first["items"], *second["items"]]
    assert [each["event"] for each in told] == ["offered", "accepted"]
    assert {each["work_order_id"] for each in told} == {order["work_order_id"]}
    assert {each["ticket_id"] for each in told} == {str(ticket_id)}
    assert second["next_cursor"] is None
    assert (await listed("&state=failed"))["items"] == []
    self_only = await house.floor.system.http("router", house.floor.workspace_id, "agents:self")
    assert (await self_only.get("/v1/work-orders")).status_code == 403
    for strange in (["x", "offered"], [order["work_order_id"], "\ud800"]):
        cursor = base64.urlsafe_b64encode(json.dumps(strange).encode()).decode().rstrip("=")
        assert (await house.floor.http.get(f"/v1/work-orders?cursor={cursor}")).status_code == 422


async def test_a_partner_whose_address_is_gone_loses_the_order_at_once(house: House) -> None:
    house.website.answers[house.path] = [410]
    await house.agree()
    await house.floor.open_ticket("t")
    await house.floor.offered("ann", "t")
    assert any("its address answered 410" in line for line in words(await house.floor.decisions("t")))


async def test_what_a_removed_partner_has_falls_back_and_it_is_told(house: House) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    order = await house.order()
    assert (await house.post(order["accept_url"])).status_code == 200
    await house.told("work_order.accepted")
    part = house.part()
    del part["queues"][1]["partner"]
    assert (await house.put(part)).status_code == 200
    await house.ended("partner_removed")
    assert (await house.post(order["complete_url"])).status_code == 409
    assert any("for no partner any more" in line for line in words(await house.floor.decisions("t")))


async def test_another_vendor_gets_what_is_unanswered_and_the_former_one_keeps_what_it_has(house: House) -> None:
    await house.agree()
    await house.floor.open_ticket("t")
    held = await house.order()
    assert (await house.post(held["accept_url"])).status_code == 200
    await house.told("work_order.accepted")
    await house.floor.open_ticket("u")
    await house.told("work_order.offered", 2)
    asked = await house.order()
    former, house.path = house.path, f"{house.path}/other"
    assert (await house.configure()).status_code == 200
    again = await house.order()
    assert (again["ticket_id"], again["work_order_id"] != asked["work_order_id"]) == (asked["ticket_id"], True)
    house.path = former
    (ended,) = await house.told("work_order.ended")
    data = json.loads(ended.body)["data"]
    assert (data["work_order_id"], data["reason"]) == (asked["work_order_id"], "partner_changed")
    assert (await house.post(asked["accept_url"])).status_code == 409
    assert (await house.post(held["complete_url"])).status_code == 200
    done = (await house.told("work_order.ended", 2))[-1]
    assert json.loads(done.body)["data"]["reason"] == "partner_done"
    assert len(house.website.to(f"{former}/other")) == 1


async def test_an_order_that_nobody_answers_and_one_that_is_late_fall_back(house: House) -> None:
    await house.agree(answer_within="30m", done_within="2d")
    await house.floor.open_ticket("t")
    order = await house.order()
    await house.floor.system.travel(timedelta(minutes=30))
    late = await house.post(order["accept_url"])
    assert late.status_code == 409
    await house.ended("partner_silent")
    house.website.calls.clear()
    await house.floor.open_ticket("u")
    taken = await house.order()
    assert (await house.post(taken["accept_url"])).status_code == 200
    await house.floor.system.travel(timedelta(days=2))
    (call,) = await house.told("work_order.ended")
    assert json.loads(call.body)["data"]["reason"] == "partner_late"
    assert (await house.get(taken["page_url"])).json()["state"] == "ended"
    assert (await house.post(taken["complete_url"])).status_code == 409
    assert (await house.post(taken["decline_url"])).status_code == 409


async def test_an_address_that_leads_into_our_network_is_refused_or_not_called(house: House) -> None:
    refused = await house.configure(url="http://10.0.0.1/orders")
    assert refused.status_code == 422
    assert [problem["pointer"] for problem in refused.json()["errors"]] == ["/queues/1/partner/url"]
    for character in ("\x01", "\x7f", " "):
        refused = await house.configure(url=f"https://partner.example.com/{character}x")
        assert refused.status_code == 422
        assert [problem["pointer"] for problem in refused.json()["errors"]] == ["/queues/1/partner/url"]
    await house.agree(url="https://127.0.0.1/orders")
    await house.floor.open_ticket("t")

    async def is_refused() -> bool:
        found = await house.rows("SELECT state, detail FROM work_order_message WHERE workspace_id = :ws")
        return [tuple(row) for row in found] == [("pending", "the address is not a public one")]

    await eventually(is_refused)


async def test_a_secret_that_cannot_sign_is_refused_as_it_is_written(house: House) -> None:
    refused = await house.configure(secret="hunter2!")
    assert refused.status_code == 422
    assert [problem["pointer"] for problem in refused.json()["errors"]] == ["/queues/1/partner/secret"]


async def test_the_secret_is_sealed_wherever_it_is_kept_or_shown(house: House) -> None:
    await house.agree()
    stored = await house.rows(
        "SELECT body::text AS body FROM configuration WHERE workspace_id = :ws"
        " UNION ALL SELECT payload::text FROM input_log WHERE workspace_id = :ws AND kind = 'Configure'"
    )
    assert len(stored) == 3
    assert all(SECRET not in row.body for row in stored)
    shown = (await house.floor.http.get("/v1/configuration")).json()["configuration"]
    assert shown["queues"][1]["partner"]["secret"].startswith("sealed:")
    again = await house.floor.http.put("/v1/configuration", json=shown, headers={"If-Match": "*"})
    assert (again.status_code, again.json()["changes"]) == (200, [])


async def test_without_a_public_address_no_partner_is_configured_or_told(
    stack: Stack, templates: Templates, tmp_path: Path, website: Website, producers: Callable[[str], Producer]
) -> None:
    prefix = f"{PREFIX}3"
    own = producers(prefix)
    common: dict[str, Any] = {"prefix": prefix, "templates": templates, "folder": tmp_path}
    async with AsyncExitStack() as opened:
        async with start(stack, ("router",), **common) as before:
            house = House(await Floor.open(before, own, "unreachable"), website)
            await opened.enter_async_context(house.partner)
            website.answers[house.path] = [503] * 100
            await house.agree()
            await house.floor.open_ticket("t")
            await house.told("work_order.offered")
        safe: dict[str, Any] = {
            "environment": "production",
            "secret": "s" * 32,
            "credentials_key": "k" * 32,
            "public_url": "",
        }
        async with start(stack, ("router",), **common, databases=before.databases, **safe) as system:
            http = await system.http("router", house.floor.workspace_id)
            so_far = len(website.to(house.path))

            async def is_held() -> bool:
                told = (await http.get("/v1/work-orders")).json()["items"]
                return [(each["state"], each["last_error"]) for each in told] == [
                    ("pending", "WAYPOST_PUBLIC_URL of the router is not set")
                ]

            await eventually(is_held, within_s=30)
            assert len(website.to(house.path)) == so_far
            partner = {"url": "https://partner.example.com/", "secret": SECRET, "fallback": "general"}
            part = {
                "queues": [{"id": "general"}, {"id": "field", "partner": partner}],
                "policy": {"default": {"queue": "field"}},
            }
            refused = await http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
            assert refused.status_code == 422
            problems = {problem["pointer"]: problem["detail"] for problem in refused.json()["errors"]}
            assert problems.keys() == {"/queues/1/partner"}
            assert "set WAYPOST_PUBLIC_URL" in problems["/queues/1/partner"]


async def test_links_lead_to_the_process_that_holds_the_workspace(
    stack: Stack, templates: Templates, tmp_path: Path, website: Website, producers: Callable[[str], Producer]
) -> None:
    prefix = f"{PREFIX}2"
    own = producers(prefix)
    async with AsyncExitStack() as opened:
        common: dict[str, Any] = {
            "prefix": prefix,
            "templates": templates,
            "folder": tmp_path,
            "public_url": PUBLIC,
        }
        one = await opened.enter_async_context(start(stack, ("router",), **common))
        two = await opened.enter_async_context(
            start(stack, ("router",), **common, databases=one.databases, process=2)
        )
        await eventually(lambda: _held(one) == _held(two) == SHARDS // 2)
        for number in range(4):
            house = House(await Floor.open(one, own, f"linked-{number}"), website)
            await opened.enter_async_context(house.partner)
            await house.agree()
            await house.floor.open_ticket("t")
            order = await house.order()
            for system, url, body, state in (
                (one, order["accept_url"], {}, "accepted"),
                (two, order["accept_url"], {}, "accepted"),
                (two, order["decline_url"], {"json": {"reason": "no van"}}, "ended"),
            ):
                house.partner.base_url = httpx.URL(system.url("router"))
                answer = await house.post(url, **body)
                assert (answer.status_code, answer.json()["state"]) == (200, state)
            assert any("no van" in line for line in words(await house.floor.decisions("t")))


def _held(system: System) -> int:
    return len(system.services["router"].runtime.leases.held())
