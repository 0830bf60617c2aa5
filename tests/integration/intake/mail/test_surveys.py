"""What customers are asked once their ticket is solved, and notices that come with time."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import httpx
import pytest

from deploy.local.stack import Stack
from shared.events.catalog import TICKETS
from shared.events.tickets import TicketRatedV1
from shared.kafka.client import Reader
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.mail.post import Json, Post
from tests.integration.intake.mail.sink import Sink
from tests.integration.intake.notices import SURVEY, TEMPLATES, is_idle, outcomes, travel
from tests.integration.intake.office import Tape
from tests.system import System, Templates, start

HOUR = timedelta(hours=1, minutes=1)
_LINK = re.compile(r"http\S+/s/[\w-]+")


@pytest.fixture(scope="module")
async def later(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> AsyncIterator[System]:
    """A system whose clock these tests move."""
    async with start(
        stack,
        ("intake",),
        prefix="later",
        templates=templates,
        folder=tmp_path_factory.mktemp("later"),
        outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
        public_url="http://survey.example/",
    ) as running:
        yield running


@pytest.fixture
async def post(later: System, sink: Sink, workspace_id: str) -> Post:
    return await Post.open(later, sink, workspace_id)


async def configure(post: Post, **part: object) -> None:
    channel = {"id": "support", "kind": "email", "address": post.support, "language": "de", **part}
    body = {"channels": [channel], "templates": TEMPLATES}
    answer = await post.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def solved(post: Post, **fields: str) -> str:
    """A ticket that Grace has solved."""
    ticket_id = str((await post.post(post.raw(**fields)))["ticket_id"])
    await post.reply(ticket_id, author_id="grace", status="solved")
    return ticket_id


async def asked(post: Post, ticket_id: str) -> str:
    """The path of the survey, once the customer was asked."""

    async def probe() -> str:
        found = [message for message in await post.messages(ticket_id) if message["purpose"] == "survey"]
        assert len(found) == 1
        link = _LINK.search(found[0]["text"])
        assert link
        assert link[0].startswith("http://survey.example/s/")
        return link[0].removeprefix("http://survey.example")

    return str(await eventually(probe))


async def survey_of(post: Post, **part: object) -> tuple[str, str]:
    """A ticket about which the customer was asked, and the path of the survey."""
    await configure(post, survey={**SURVEY, **part})
    ticket_id = await solved(post)
    await travel(post.system, HOUR)
    return ticket_id, await asked(post, ticket_id)


def visitor(post: Post) -> httpx.AsyncClient:
    """A browser, which has no token."""
    return client(post.system.url("intake"))


async def ratings(post: Post, tape: Tape) -> list[TicketRatedV1]:
    events = await tape.events(post.workspace_id)
    return [event.data for event in events if isinstance(event.data, TicketRatedV1)]


@pytest.fixture(scope="module")
async def tape(later: System, stack: Stack) -> AsyncIterator[Tape]:
    reader = Reader(stack.kafka.bootstrap, topics=[TICKETS], topic_prefix="later", group="tests")
    await reader.start()
    yield Tape(reader)
    await reader.stop()


async def test_a_customer_is_asked_an_hour_after_solving_and_rates_who_solved(post: Post, tape: Tape) -> None:
    ticket_id, path = await survey_of(post)
    *_, kept = await post.until_sent(2)
    assert (kept.sender, kept.mail["Auto-Submitted"]) == ("", "auto-generated")
    async with visitor(post) as browser:
        # Mail scanners follow links: looking counts for nothing.
        for score in (1, 5):
            page = await browser.get(path, params={"score": score})
            assert page.status_code == 200
            assert f'value="{score}" required checked' in page.text
            assert 'lang="de"' in page.text
        rating = (await post.http.get(f"/v1/tickets/{ticket_id}/rating")).json()
        assert (rating["score"], rating["revision"]) == (None, 0)
        done = await browser.post(path, data={"score": "5", "comment": "Danke!\r\nAda <3"})
        assert done.status_code == 200
        again = await browser.post(path, data={"score": "5", "comment": "Danke!\r\nAda <3"})
        assert again.status_code == 200
        assert (await browser.post(path, data={"score": "2", "comment": ""})).status_code == 200
    rating = (await post.http.get(f"/v1/tickets/{ticket_id}/rating")).json()
    assert (rating["score"], rating["revision"], rating["agent_id"]) == (2, 2, "grace")

    async def told() -> bool:
        return [
            (one.score, one.scale, one.kind, one.agent_id, one.revision) for one in await ratings(post, tape)
        ] == [
            (5, 5, "csat", "grace", 1),
            (2, 5, "csat", "grace", 2),
        ]

    await eventually(told)


async def test_a_closed_ticket_is_rated_too_until_thirty_days_have_gone(post: Post) -> None:
    ticket_id, path = await survey_of(post, kind="nps")
    await travel(post.system, timedelta(days=5))

    async def is_closed() -> bool:
        return bool((await post.ticket(ticket_id))["status"] == "closed")

    await eventually(is_closed)
    async with visitor(post) as browser:
        assert (await browser.post(path, data={"score": "0"})).status_code == 200
        rating = (await post.http.get(f"/v1/tickets/{ticket_id}/rating")).json()
        assert (rating["kind"], rating["scale"], rating["score"]) == ("nps", 10, 0)
        assert (await post.ticket(ticket_id))["status"] == "closed"
        await travel(post.system, timedelta(days=26))
        over = await browser.get(path)
        forged = await browser.get(path[:-3] + "xyz")
        strange = await browser.post("/s/nothing", data={"score": "5"})
        late = await browser.post(path, data={"score": "9"})
    # Whatever is not open looks the same.
    assert {(page.status_code, page.content) for page in (over, forged, strange, late)} == {(404, over.content)}
    assert (await post.http.get(f"/v1/tickets/{ticket_id}/rating")).json()["score"] == 0


OFF_THE_SCALE = [
    b"",
    b"score=",
    b"score=6",
    b"score=0",
    b"score=-1",
    b"score=99999999999999999999",
    b"comment=hello",
    b"\xff\xfe=\x00&score=%FF",
    b"&".join(b"a=1" for _ in range(100)),
]


async def test_what_is_on_no_scale_counts_for_nothing(post: Post) -> None:
    ticket_id, path = await survey_of(post)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with visitor(post) as browser:
        for body in OFF_THE_SCALE:
            answer = await browser.post(path, content=body, headers=form)
            assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
        assert (await browser.post(path, content=b"a" * 70_000, headers=form)).status_code == 413
    assert (await post.http.get(f"/v1/tickets/{ticket_id}/rating")).json()["score"] is None


async def test_a_reopened_ticket_is_asked_about_when_it_is_solved_again(post: Post) -> None:
    await configure(post, survey=SURVEY)
    ticket_id = await solved(post)
    await post.post(
        post.raw("No.", Message_ID="<2@x>", In_Reply_To=(await post.until_sent())[0].mail["Message-ID"])
    )
    assert (await post.ticket(ticket_id))["status"] == "open"
    await travel(post.system, HOUR)

    async def withheld() -> bool:
        return ("survey", "withheld", "reopened") in await outcomes(post.system, post.workspace_id)

    await eventually(withheld)
    await post.reply(ticket_id, author_id="ada", status="solved")
    assert [message["purpose"] for message in await post.messages(ticket_id)].count("survey") == 0
    await travel(post.system, HOUR)
    await asked(post, ticket_id)
    assert (await post.http.get(f"/v1/tickets/{ticket_id}/rating")).json()["agent_id"] == "ada"


async def test_a_customer_is_asked_once_a_week_and_never_about_spam_or_machines(post: Post) -> None:
    await configure(post, survey=SURVEY)
    first = await solved(post)
    await travel(post.system, HOUR)
    await asked(post, first)
    second = await solved(post, Message_ID="<2@x>")
    third = await solved(post, Message_ID="<3@x>", From=f"bob@{post.workspace_id}.example.org")
    await post.http.patch(f"/v1/tickets/{third}", json={"labels": {"spam": "true"}})
    fourth = await solved(
        post, Message_ID="<4@x>", From=f"form@{post.workspace_id}.example.org", Auto_Submitted="auto-generated"
    )
    await travel(post.system, HOUR)

    async def decided() -> list[str | None]:
        found = [why for reason, _, why in await outcomes(post.system, post.workspace_id) if reason == "survey"]
        assert found == [None, "asked_lately", "spam", "machine"]
        return found

    await eventually(decided)
    for ticket_id in (second, third, fourth):
        answer = await post.http.get(f"/v1/tickets/{ticket_id}/rating")
        assert answer.status_code == 404


async def test_of_two_surveys_that_are_due_at_once_a_customer_gets_one(post: Post) -> None:
    await configure(post, survey=SURVEY)
    await solved(post)
    await solved(post, Message_ID="<2@x>")
    await travel(post.system, HOUR)

    async def decided() -> bool:
        found = [one for one in await outcomes(post.system, post.workspace_id) if one[0] == "survey"]
        return sorted(found, key=str) == [("survey", "sent", None), ("survey", "withheld", "asked_lately")]

    await eventually(decided)


async def test_a_waiting_customer_hears_of_us_so_often_and_a_silent_one_is_reminded_once(post: Post) -> None:
    notices: Json = {
        "still_working": {"every": "1h", "template": "news", "most": 2},
        "pending_reminder": {"after": "2h", "template": "news"},
    }
    await configure(post, notices=notices)
    ticket_id = str((await post.post(post.raw()))["ticket_id"])

    async def outbound(count: int) -> None:
        async def probe() -> bool:
            found = [message for message in await post.messages(ticket_id) if message["kind"] == "outbound"]
            return len(found) == count

        await eventually(probe)

    await travel(post.system, HOUR)
    await outbound(1)
    # Whoever was written to meanwhile is not told that somebody still works.
    await travel(post.system, timedelta(minutes=30))
    await post.reply(ticket_id)
    await travel(post.system, timedelta(minutes=31))

    async def is_postponed() -> bool:
        return ("still_working", "due", None) in await outcomes(post.system, post.workspace_id)

    await eventually(is_postponed)
    await outbound(2)
    await travel(post.system, timedelta(minutes=30))
    await outbound(3)
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "pending"})
    await travel(post.system, 2 * HOUR)
    await outbound(4)
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "open"})
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "pending"})
    for _ in range(3):
        await travel(post.system, 2 * HOUR)
        await eventually(partial(is_idle, post.system))
    await outbound(4)
    states = {reason: state for reason, state, _ in await outcomes(post.system, post.workspace_id)}
    assert states == {"still_working": "sent", "pending_reminder": "sent", "received": "withheld"}


async def test_a_burst_of_guessed_tokens_shuts_out_nobody_who_has_one(post: Post) -> None:
    _, path = await survey_of(post)
    async with visitor(post) as browser:
        guesses = [(await browser.get(f"/s/guess-{n}")).status_code for n in range(61)]
        assert (set(guesses), guesses[-1]) == ({404, 429}, 429)
        looks = [(await browser.get(path)).status_code for _ in range(61)]
        assert looks == [200] * 60 + [429]
