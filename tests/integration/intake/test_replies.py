"""What replies are made of: files, HTML, templates."""

from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.intake.adapters.answering.uploads import forget_uploads
from shared.db.unit_of_work import Tx
from tests.integration.intake.office import Office, refused
from tests.system import System

TEMPLATES = [
    {
        "id": "track",
        "variables": {"link": "url"},
        "texts": {
            "en": {"text": "Dear {{customer.name|customer}}, see {{link}}. {{agent.name}}", "subject": "Parcel"},
            "de": {"text": "Siehe {{link}}", "html": "<p>Siehe <a href='{{link}}'>hier</a></p>"},
        },
    },
    {"id": "ack", "purpose": "ack", "texts": {"en": {"text": "We have #{{ticket.number}}."}}},
]


async def upload(office: Office, content: bytes = b"%PDF-", **params: str) -> httpx.Response:
    return await office.http.post(
        "/v1/attachments",
        content=content,
        params={"filename": "offer.pdf", **params},
        headers={"Content-Type": "application/pdf"},
    )


async def uploaded(office: Office, content: bytes = b"%PDF-", **params: str) -> str:
    answer = await upload(office, content, **params)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["attachment_id"])


async def test_a_reply_takes_files_along(office: Office) -> None:
    ticket_id = await office.open_ticket()
    answer = await upload(office, b"\x89PNG", filename="../lo\u202ego.png", content_id="logo")
    made = answer.json()
    assert (made["filename"], made["size"], made["media_type"]) == ("logo.png", 4, "application/pdf")
    offer = await uploaded(office)
    receipt = await office.reply(
        ticket_id, html='<img src="cid:logo">', attachment_ids=[made["attachment_id"], offer]
    )
    logo, pdf = receipt["message"]["attachments"]
    assert (logo["attachment_id"], logo["content_id"], logo["is_inline"]) == (made["attachment_id"], "logo", True)
    assert (pdf["filename"], pdf["is_inline"]) == ("offer.pdf", False)
    file = await office.http.get(f"/v1/tickets/{ticket_id}/attachments/{logo['attachment_id']}")
    assert (file.content, file.headers["content-type"]) == (b"\x89PNG", "application/octet-stream")


async def test_a_file_goes_along_once(office: Office) -> None:
    ticket_id = await office.open_ticket()
    one = await uploaded(office)
    await office.reply(ticket_id, attachment_ids=[one])
    for ids in ([one], [str(uuid4())]):
        again = await office.http.post(
            f"/v1/tickets/{ticket_id}/replies", json={"text": "x", "attachment_ids": ids}
        )
        problem = refused(again, 422, "invalid-input")
        assert problem["errors"] == [{"pointer": "/attachment_ids/0", "detail": "does not wait"}]
    # A refused reply leaves nothing behind, and takes no file.
    other = await uploaded(office)
    url = f"/v1/tickets/{ticket_id}/replies"
    refused(await office.http.post(url, json={"text": "x", "attachment_ids": [other, one]}), 422, "invalid-input")
    note = await office.http.post(f"/v1/tickets/{ticket_id}/notes", json={"text": "x", "attachment_ids": [other]})
    assert len(note.json()["attachments"]) == 1
    assert len([entry for entry in await office.timeline(ticket_id) if entry["message"]]) == 3


async def test_files_are_bounded(office: Office, intake: System) -> None:
    most = intake.services["intake"].runtime.settings.attachment_max_bytes  # type: ignore[attr-defined] # intake's own
    refused(await upload(office, b"x" * (most + 1)), 413, "too-large")
    refused(await upload(office, b""), 422, "invalid-input")
    refused(await upload(office, content_id="a b"), 422, "invalid-request")
    half = [await uploaded(office, bytes([n]) * (most // 2 + 1)) for n in range(2)]
    ticket_id = await office.open_ticket()
    url = f"/v1/tickets/{ticket_id}/replies"
    refused(await office.http.post(url, json={"text": "x", "attachment_ids": half}), 422, "invalid-input")


async def test_an_upload_that_comes_again_is_one(office: Office) -> None:
    headers = {"Idempotency-Key": "one", "Content-Type": "text/plain"}
    url, params = "/v1/attachments", {"filename": "a.txt"}
    first = await office.http.post(url, content=b"a", params=params, headers=headers)
    again = await office.http.post(url, content=b"a", params=params, headers=headers)
    assert (first.status_code, again.json()) == (201, first.json())
    other = await office.http.post(url, content=b"b", params=params, headers=headers)
    refused(other, 422, "invalid-input")


async def test_what_nobody_takes_along_is_forgotten_after_a_day(office: Office, intake: System) -> None:
    kept, old = await uploaded(office), await uploaded(office)
    database = intake.services["intake"].runtime.database
    age = text("UPDATE upload SET created_at = created_at - interval '25 hours' WHERE attachment_id = :id")

    async def unit(tx: Tx) -> list[str]:
        await tx.execute(age, {"id": old})
        return []

    await database.transact(unit, workspaces=[office.workspace_id])
    ticket_id = await office.open_ticket()
    late = await office.http.post(f"/v1/tickets/{ticket_id}/replies", json={"text": "x", "attachment_ids": [old]})
    refused(late, 422, "invalid-input")

    async def forget(tx: Tx) -> list[str]:
        await forget_uploads(tx)
        return [str(row.attachment_id) for row in await tx.execute(text("SELECT attachment_id FROM upload"))]

    assert await database.transact(forget, workspaces=[office.workspace_id]) == [kept]


async def test_html_is_cleaned_before_it_is_stored_and_gets_a_text(office: Office) -> None:
    ticket_id = await office.open_ticket()
    html = '<p>Hello <b>Ada</b></p><script>x()</script><img src="https://track.example/1.png">'
    answer = await office.http.post(f"/v1/tickets/{ticket_id}/replies", json={"html": html})
    message = answer.json()["message"]
    assert (message["text"].strip(), message["html"]) == ("Hello Ada", "<p>Hello <b>Ada</b></p><img>")
    note = await office.http.post(f"/v1/tickets/{ticket_id}/notes", json={"html": "<i onclick=x>hm</i>"})
    assert (note.json()["text"].strip(), note.json()["html"]) == ("hm", "<i>hm</i>")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"html": "<script>x</script>"},
        {"text": "x", "template": {"id": "track"}},
        {"template": {"id": "nope"}},
        {"template": {"id": "ack"}},
        {"template": {"id": "track"}},
        {"template": {"id": "track", "variables": {"link": "javascript:x"}}},
        {"template": {"id": "track", "variables": {"link": "https://x", "customer": "y"}}},
    ],
)
async def test_a_reply_says_one_thing(office: Office, body: dict[str, object]) -> None:
    await office.configure(templates=TEMPLATES)
    ticket_id = await office.open_ticket()
    answer = await office.http.post(f"/v1/tickets/{ticket_id}/replies", json=body)
    assert refused(answer, 422, "invalid-input")["errors"]
    assert await office.told(ticket_id, "ticket.opened", "ticket.message_received")


async def test_a_template_speaks_the_customers_language(office: Office) -> None:
    await office.configure(templates=TEMPLATES, staff=[{"agent": "ada", "name": "Ada Lovelace"}])
    sender = {"email": "grace@example.org", "name": "Grace {{ticket.number}}"}
    ticket_id = await office.open_ticket(sender=sender)
    use = {"id": "track", "variables": {"link": "https://a.example/1"}}
    url = f"/v1/tickets/{ticket_id}/replies"
    answer = await office.http.post(url, json={"template": use, "author_id": "ada"})
    message = answer.json()["message"]
    assert message["text"] == "Dear Grace {{ticket.number}}, see https://a.example/1. Ada Lovelace"
    assert message["subject"] == "Parcel"
    answer = await office.http.post(url, json={"template": {**use, "language": "de-AT"}})
    assert answer.json()["message"]["text"] == "Siehe https://a.example/1"
    assert 'href="https://a.example/1"' in answer.json()["message"]["html"]


async def test_templates_can_be_looked_at(office: Office) -> None:
    await office.configure(templates=TEMPLATES)
    listed = (await office.http.get("/v1/templates")).json()["items"]
    assert [(item["id"], item["purpose"], item["version"]) for item in listed] == [
        *(("ack", "ack", 1), ("track", "reply", 1))
    ]
    assert (list(listed[1]["texts"]), listed[1]["default"]) == (["en", "de"], "en")
    sample = (await office.http.post("/v1/templates/ack/preview", json={})).json()
    assert (sample["language"], sample["text"]) == ("en", "We have #1001.")
    ticket_id = await office.open_ticket()
    number = (await office.ticket(ticket_id))["number"]
    shown = (await office.http.post("/v1/templates/ack/preview", json={"ticket_id": ticket_id})).json()
    assert shown["text"] == f"We have #{number}."
    refused(await office.http.post("/v1/templates/nope/preview", json={}), 404, "not-found")


@pytest.mark.parametrize("status", ["closed", "merged"])
async def test_what_is_over_takes_no_answer(office: Office, status: str) -> None:
    ticket_id = await office.open_ticket()
    if status == "merged":
        into = await office.open_ticket()
        await office.http.post(f"/v1/tickets/{ticket_id}/merge", json={"into": into})
    else:
        await office.change(ticket_id, status="solved")
        await office.change(ticket_id, status="closed")
    one = await uploaded(office)
    for path in ("replies", "notes"):
        body = {"text": "x", "attachment_ids": [one]}
        refused(await office.http.post(f"/v1/tickets/{ticket_id}/{path}", json=body), 409, "illegal-transition")
