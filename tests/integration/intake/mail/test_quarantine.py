"""Mail that nothing becomes of until a person says so."""

import asyncio

from tests.integration.intake.mail.post import Json, Post
from tests.integration.intake.office import refused
from tests.system import System


def unreadable(post: Post, **headers: str) -> bytes:
    """More parts than are read."""
    parts = "--b\n\n\n" * 300 + "--b--"
    return post.raw(parts, Content_Type="multipart/mixed; boundary=b", **headers)


async def quarantined(post: Post, **headers: str) -> Json:
    receipt = await post.post(unreadable(post, **headers))
    assert (receipt["disposition"], receipt["reason"]) == ("quarantined", "too many parts")
    return receipt


async def test_what_cannot_be_read_is_kept_and_opens_nothing(post: Post) -> None:
    receipt = await quarantined(post)
    assert await post.tickets() == []
    (item,) = await post.quarantine()
    assert item["id"] == receipt["message_id"]
    assert (item["channel"], item["state"], item["reason"]) == ("support", "quarantined", "too many parts")
    answer = await post.http.get(f"/v1/quarantine/{item['id']}")
    shown = answer.json()
    assert (shown["subject"], shown["from_address"]) == ("It does not print", post.ada)


async def test_the_mail_is_fetched_as_it_came(post: Post) -> None:
    receipt = await quarantined(post)
    answer = await post.http.get(f"/v1/quarantine/{receipt['message_id']}/raw")
    assert answer.status_code == 200
    assert answer.content == unreadable(post)
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_released_mail_that_still_cannot_be_read_becomes_a_ticket_with_the_mail_attached(post: Post) -> None:
    raw_id = (await quarantined(post))["message_id"]
    answer = await post.http.post(f"/v1/quarantine/{raw_id}/release")
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert (receipt["disposition"], receipt["message_id"]) == ("opened", raw_id)
    assert (await post.ticket(receipt["ticket_id"]))["subject"] == "It does not print"
    (message,) = await post.messages(receipt["ticket_id"])
    assert message["text"].startswith("This mail cannot be read: too many parts.")
    assert message["author_id"] == post.ada
    (file,) = message["attachments"]
    fetched = await post.http.get(f"/v1/tickets/{receipt['ticket_id']}/attachments/{file['attachment_id']}")
    assert fetched.content == unreadable(post)
    assert await post.quarantine() == []
    assert (await post.http.get(f"/v1/quarantine/{raw_id}")).json()["state"] == "released"


async def test_a_mail_is_released_once(post: Post) -> None:
    raw_id = (await quarantined(post))["message_id"]
    route = f"/v1/quarantine/{raw_id}/release"
    answers = await asyncio.gather(*(post.http.post(route) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused(await post.http.post(route), 409, "conflict")
    assert len(await post.tickets()) == 1


async def test_a_repeated_release_has_the_first_answer(post: Post) -> None:
    raw_id = (await quarantined(post))["message_id"]
    route, key = f"/v1/quarantine/{raw_id}/release", {"Idempotency-Key": "k"}
    first = await post.http.post(route, headers=key)
    again = await post.http.post(route, headers=key)
    assert (first.status_code, first.text) == (again.status_code, again.text) == (201, first.text)


async def test_a_loop_that_a_person_releases_is_read_as_a_request(post: Post) -> None:
    receipt = await post.post(post.raw(From=post.support))
    assert receipt["disposition"] == "quarantined"
    answer = await post.http.post(f"/v1/quarantine/{receipt['message_id']}/release")
    assert answer.json()["disposition"] == "opened"
    (message,) = await post.messages(answer.json()["ticket_id"])
    assert (message["text_new"], message["machine"]) == ("Please help.", "none")


async def test_an_answer_to_released_mail_finds_its_ticket(post: Post) -> None:
    receipt = await post.post(post.raw(From=post.support))
    released = (await post.http.post(f"/v1/quarantine/{receipt['message_id']}/release")).json()
    answer = await post.post(post.raw("More.", Message_ID="<2@x>", In_Reply_To=f"<1@{post.workspace_id}>"))
    assert answer["ticket_id"] == released["ticket_id"]


async def test_what_a_rule_still_refuses_stays_in_quarantine(post: Post) -> None:
    receipt = await quarantined(post)
    await post.configure({"id": "api", "kind": "api"})
    answer = await post.http.post(f"/v1/quarantine/{receipt['message_id']}/release")
    refused(answer, 422, "invalid-input")
    assert len(await post.quarantine()) == 1


async def test_the_list_is_read_in_pages(post: Post) -> None:
    ids = [(await quarantined(post, Message_ID=f"<{n}@x>"))["message_id"] for n in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await post.http.get("/v1/quarantine", params=params)).json()
        found += [item["id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert found == ids
    refused(await post.http.get("/v1/quarantine", params={"cursor": "nonsense"}), 422, "invalid-input")


async def test_quarantine_is_each_workspaces_own(mail_system: System, post: Post) -> None:
    raw_id = (await quarantined(post))["message_id"]
    other = await Post.open(mail_system, post.sink, f"{post.workspace_id}-other")
    assert await other.quarantine() == []
    for answer in (
        await other.http.get(f"/v1/quarantine/{raw_id}"),
        await other.http.get(f"/v1/quarantine/{raw_id}/raw"),
        await other.http.post(f"/v1/quarantine/{raw_id}/release"),
    ):
        refused(answer, 404, "not-found")
    assert len(await post.quarantine()) == 1


async def test_mail_that_became_a_message_is_not_shown_here(post: Post) -> None:
    receipt = await post.post(post.raw())
    refused(await post.http.get(f"/v1/quarantine/{receipt['message_id']}"), 404, "not-found")
    refused(await post.http.post(f"/v1/quarantine/{receipt['message_id']}/release"), 404, "not-found")


async def test_who_may_only_read_releases_nothing(post: Post) -> None:
    raw_id = (await quarantined(post))["message_id"]
    reader = await post.system.http("intake", post.workspace_id, "tickets:read")
    assert (await reader.get("/v1/quarantine")).status_code == 200
    refused(await reader.post(f"/v1/quarantine/{raw_id}/release"), 403, "not-allowed")
    writer = await post.system.http("intake", post.workspace_id, "messages:write")
    refused(await writer.get("/v1/quarantine"), 403, "not-allowed")
