"""`Idempotency-Key`: a POST that comes again does nothing again."""

import asyncio

from tests.integration.intake.office import Office, refused
from tests.system import System


async def test_a_repeat_with_its_key_gets_the_first_answer_to_the_letter(office: Office) -> None:
    body = office.message()
    answers = [
        await office.http.post("/v1/messages", json=body, headers={"Idempotency-Key": key})
        for key in ("once", '"once"')
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert (await office.http.get("/v1/tickets")).json()["items"][0]["number"] == 1


async def test_the_key_with_another_body_is_refused(office: Office) -> None:
    headers = {"Idempotency-Key": "once"}
    assert (await office.http.post("/v1/messages", json=office.message(), headers=headers)).is_success
    again = await office.http.post("/v1/messages", json=office.message(), headers=headers)
    refused(again, 422, "invalid-input")


async def test_a_key_is_its_callers_and_its_routes_own(office: Office) -> None:
    ticket_id = await office.open_ticket()
    headers = {"Idempotency-Key": "once"}
    body = {"text": "Done"}
    reply = await office.http.post(f"/v1/tickets/{ticket_id}/replies", json=body, headers=headers)
    note = await office.http.post(f"/v1/tickets/{ticket_id}/notes", json=body, headers=headers)
    other = await office.tool("tickets:write", subject="somebody")
    others = await other.post(f"/v1/tickets/{ticket_id}/replies", json=body, headers=headers)
    again = await office.http.post(f"/v1/tickets/{ticket_id}/replies", json=body, headers=headers)
    assert [answer.status_code for answer in (reply, note, others, again)] == [201] * 4
    assert again.json() == reply.json() != others.json()


async def test_the_same_request_many_times_at_once_is_done_once(office: Office) -> None:
    body = office.message()
    answers = await asyncio.gather(
        *(office.http.post("/v1/messages", json=body, headers={"Idempotency-Key": "once"}) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_a_refusal_is_not_kept(office: Office, intake: System) -> None:
    headers = {"Idempotency-Key": "once"}
    body = office.message(channel="shop")
    assert (await office.http.post("/v1/messages", json=body, headers=headers)).status_code == 422
    await office.configure(channels=[{"id": "shop", "kind": "chat"}])
    assert (await office.http.post("/v1/messages", json=body, headers=headers)).status_code == 201
