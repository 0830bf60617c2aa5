"""Messages that share a commit: what one of them does to the others."""

import asyncio

from tests.integration.intake.office import Office, refused
from tests.integration.intake.poison import POISON, poisoned
from tests.system import System


async def test_a_message_that_the_database_refuses_fails_alone_in_its_group(
    intake: System, office: Office
) -> None:
    texts = [POISON if number % 10 == 3 else f"Help {number}" for number in range(40)]
    async with poisoned(intake):
        answers = await asyncio.gather(
            *(office.http.post("/v1/messages", json=office.message(text=text)) for text in texts)
        )
    for text, answer in zip(texts, answers, strict=True):
        if text == POISON:
            refused(answer, 422, "invalid-request")
        else:
            assert answer.status_code == 201
    tickets = (await office.http.get("/v1/tickets", params={"limit": 200})).json()["items"]
    assert len(tickets) == 36


async def test_a_message_that_a_rule_refuses_fails_alone_in_its_group(office: Office) -> None:
    channels = ["fax" if number % 5 == 0 else "api" for number in range(20)]
    answers = await asyncio.gather(
        *(office.http.post("/v1/messages", json=office.message(channel=channel)) for channel in channels)
    )
    assert [answer.status_code for answer in answers] == [422 if channel == "fax" else 201 for channel in channels]


async def test_messages_of_many_workspaces_share_commits_and_nothing_else(intake: System, office: Office) -> None:
    others = [await intake.http("intake", f"{office.workspace_id}-{number}") for number in range(8)]
    answers = await asyncio.gather(
        *(http.post("/v1/messages", json=office.message(external_id="m-1")) for http in others * 3)
    )
    numbers = [answer.json()["ticket_number"] for answer in answers]
    assert sorted(answer.json()["disposition"] for answer in answers) == ["duplicate"] * 16 + ["opened"] * 8
    assert numbers == [1] * 24
