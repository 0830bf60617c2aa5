"""Files that come with mail."""

from uuid import uuid4

from tests.integration.intake.mail.post import Json, Post
from tests.integration.intake.office import refused
from tests.system import System
from tests.unit.intake.mails import multipart, text_part

NAMED = "filename*=UTF-8''R%C3%BCck%22gabe%0D%0A.html"
FILE = f"Content-Type: text/html\nContent-Disposition: attachment; {NAMED}\n\n<script>alert(1)</script>"


async def received(post: Post) -> Json:
    raw = multipart("mixed", text_part("See the file."), FILE, From=post.ada, To=post.support)
    return await post.post(raw)


async def test_a_file_is_listed_with_its_message_and_downloaded_and_never_shown(post: Post) -> None:
    ticket_id = (await received(post))["ticket_id"]
    (message,) = await post.messages(ticket_id)
    (file,) = message["attachments"]
    assert (file["filename"], file["media_type"], file["size"]) == ('Rück"gabe.html', "text/html", 25)
    answer = await post.http.get(f"/v1/tickets/{ticket_id}/attachments/{file['attachment_id']}")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"R_ck_gabe.html\"; filename*=UTF-8''R%C3%BCck%22gabe.html"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_merged_tickets_files_are_the_targets_too(post: Post) -> None:
    ticket_id = (await received(post))["ticket_id"]
    target = (await post.post(post.raw(Message_ID="<2@x>")))["ticket_id"]
    file_id = (await post.messages(ticket_id))[0]["attachments"][0]["attachment_id"]
    refused(await post.http.get(f"/v1/tickets/{target}/attachments/{file_id}"), 404, "not-found")
    await post.http.post(f"/v1/tickets/{ticket_id}/merge", json={"into": target})
    assert (await post.http.get(f"/v1/tickets/{target}/attachments/{file_id}")).status_code == 200


async def test_files_are_each_workspaces_own(mail_system: System, post: Post) -> None:
    ticket_id = (await received(post))["ticket_id"]
    file_id = (await post.messages(ticket_id))[0]["attachments"][0]["attachment_id"]
    other = await Post.open(mail_system, post.sink, f"{post.workspace_id}-other")
    refused(await other.http.get(f"/v1/tickets/{ticket_id}/attachments/{file_id}"), 404, "not-found")
    refused(await post.http.get(f"/v1/tickets/{ticket_id}/attachments/{uuid4()}"), 404, "not-found")
    writer = await post.system.http("intake", post.workspace_id, "messages:write")
    refused(await writer.get(f"/v1/tickets/{ticket_id}/attachments/{file_id}"), 403, "not-allowed")


async def test_the_same_bytes_in_many_mails_are_one_and_stay_apart(post: Post) -> None:
    first = (await received(post))["ticket_id"]
    raw = multipart("mixed", text_part("Again."), FILE, From=post.ada, To=post.support, Message_ID="<2@x>")
    second = (await post.post(raw))["ticket_id"]
    for ticket_id in (first, second):
        (message,) = await post.messages(ticket_id)
        (file,) = message["attachments"]
        answer = await post.http.get(f"/v1/tickets/{ticket_id}/attachments/{file['attachment_id']}")
        assert answer.content == b"<script>alert(1)</script>"
