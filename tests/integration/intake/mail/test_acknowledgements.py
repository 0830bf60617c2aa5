"""Acknowledgements as they leave, and mails that get none."""

import pytest

from tests.eventually import eventually
from tests.integration.intake.mail.post import Post
from tests.integration.intake.notices import TEMPLATES, outcomes


async def configure(post: Post, language: str = "en") -> None:
    channel = {"id": "support", "kind": "email", "address": post.support, "language": language}
    body = {"channels": [{**channel, "notices": {"received": "received"}}], "templates": TEMPLATES}
    answer = await post.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def test_an_acknowledgement_repeats_nothing_of_what_a_stranger_wrote(post: Post) -> None:
    await configure(post)
    spam = {"From": f"Cheap pills <{post.ada}>", "Subject": "Buy at evil.example"}
    first = await post.post(post.raw("Go to evil.example", **spam))
    (kept,) = await post.until_sent()
    number = first["ticket_number"]
    assert str(kept.mail["Subject"]).startswith(f"We have your request #{number} ")
    assert kept.mail["To"] == post.ada
    assert kept.mail["In-Reply-To"] == f"<1@{post.workspace_id}>"
    assert (kept.sender, kept.mail["X-Auto-Response-Suppress"]) == ("", "All")
    assert str(kept.mail["Auto-Submitted"]).startswith("auto-")
    for word in (b"evil", b"pills", b"Buy"):
        assert word not in kept.raw


async def test_a_template_without_a_subject_has_the_tickets_number_for_a_stranger(post: Post) -> None:
    await configure(post, "de")
    first = await post.post(post.raw(Subject="Buy at evil.example"))
    (kept,) = await post.until_sent()
    assert str(kept.mail["Subject"]).startswith(f"#{first['ticket_number']} ")
    assert kept.mail.get_content().strip() == f"Guten Tag, #{first['ticket_number']} ist bei uns."


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-generated"}, "machine"),
        ({"X_Auto_Response_Suppress": "All"}, "suppressed"),
        ({"Subject": "Out of office"}, "suppressed"),
        ({"Reply_To": "no-reply@shop.example"}, "machine_address"),
        ({"Reply_To": "sales@{workspace}.example"}, "own_address"),
    ],
)
async def test_these_mails_get_no_acknowledgement(post: Post, headers: dict[str, str], why: str) -> None:
    await configure(post)
    if why == "own_address":
        channels = [
            {"id": "support", "kind": "email", "address": post.support, "notices": {"received": "received"}},
            {"id": "sales", "kind": "email", "address": post.sales},
        ]
        body = {"channels": channels, "templates": TEMPLATES}
        assert (await post.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})).is_success
    named = {name: value.format(workspace=post.workspace_id) for name, value in headers.items()}
    assert (await post.post(post.raw(**named)))["disposition"] == "opened"

    async def decided() -> bool:
        return await outcomes(post.system, post.workspace_id) == [("received", "withheld", why)]

    await eventually(decided)
    assert not post.sink.kept[post.ada]
