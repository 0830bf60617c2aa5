"""Intake rules over HTTP: what they set, whom they refuse, what other ones would change."""

import asyncio

from tests.eventually import eventually
from tests.integration.intake.office import Json, Office

RULES = [
    {"name": "money", "when": "lists.refund > 0", "labels": {"intent": "refund"}, "priority": "high"},
    {"name": "stranger", "when": "!sender.is_known", "spam": 2},
    {"name": "bait", "when": 'message.text.contains("prize")', "spam": 5},
    {"name": "spam", "when": "message.spam > 6", "fate": "drop"},
    {"name": "odd", "when": 'message.text.contains("bitcoin")', "fate": "quarantine"},
]
LISTS = [{"id": "refund", "words": ["money back", "Geld zurück"]}]


async def test_rules_label_requests_tell_their_language_and_drop_what_is_spam(office: Office) -> None:
    await office.configure(rules=RULES, word_lists=LISTS, languages=["en", "de", "fr"])
    german = await office.send(text="Ich möchte bitte mein Geld zurück, seit Wochen warte ich auf eine Antwort.")
    ticket = (await office.http.get(f"/v1/tickets/{german['ticket_id']}")).json()
    assert (ticket["language"], ticket["priority"]) == ("de", "high")
    assert ticket["labels"] == {"intent": "refund", "spam_score": "2"}

    spam = await office.send(sender={"email": "winner@spam.example"}, text="You have won a prize.")
    assert (spam["disposition"], spam["reason"], spam["ticket_id"]) == ("dropped", "rule: spam", None)
    # Who wrote before is no stranger.
    again = await office.send(text="Where is the prize that you promised to send to me last week?")
    assert again["disposition"] == "opened"


async def test_what_a_rule_quarantines_waits_until_somebody_lets_it_in(office: Office) -> None:
    await office.configure(rules=RULES, word_lists=LISTS)
    body = office.message(text="Send bitcoin", subject="Offer", sender={"email": "eve@example.org"})
    asked = {**body, "external_id": "e-1"}
    # Whoever does not wait for the answer sends it again: one of them is first, and the others are known by it.
    posts = (office.http.post("/v1/messages", json=asked) for _ in range(5))
    batches = (office.http.post("/v1/messages/batch", json=[asked]) for _ in range(3))
    singly, together = await asyncio.gather(asyncio.gather(*posts), asyncio.gather(*batches))
    receipts = [answer.json() for answer in singly] + [answer.json()["items"][0] for answer in together]
    (refused,) = [receipt for receipt in receipts if receipt["disposition"] != "duplicate"]
    assert {(receipt["message_id"], receipt["ticket_id"]) for receipt in receipts} == {
        (refused["message_id"], None)
    }
    assert (refused["disposition"], refused["reason"], refused["ticket_id"]) == ("quarantined", "rule: odd", None)
    batch = await office.http.post("/v1/messages/batch", json=[office.message(text="More bitcoin")])
    assert [item["disposition"] for item in batch.json()["items"]] == ["quarantined"]

    async def waiting() -> list[Json]:
        items = (await office.http.get("/v1/quarantine")).json()["items"]
        assert [(item["form"], item["reason"]) for item in items] == [("message", "rule: odd")] * 2
        return list(items)

    assert refused["message_id"] in [item["id"] for item in await eventually(waiting)]
    assert (await office.http.get("/v1/tickets")).json()["items"] == []
    path = f"/v1/quarantine/{refused['message_id']}"
    assert "bitcoin" in (await office.http.get(f"{path}/raw")).text
    released = await office.http.post(f"{path}/release")
    assert (released.status_code, released.json()["disposition"]) == (201, "opened")
    ticket = await office.ticket(released.json()["ticket_id"])
    assert (ticket["subject"], ticket["status"]) == ("Offer", "new")
    # The sender's repeat is known.
    again = await office.http.post("/v1/messages", json=asked)
    assert (again.json()["disposition"], again.json()["ticket_id"]) == ("duplicate", ticket["ticket_id"])


async def test_what_a_rule_drops_is_known_when_it_comes_again(office: Office) -> None:
    await office.configure(rules=[{"name": "odd", "when": 'message.text.contains("bitcoin")', "fate": "drop"}])
    body = {**office.message(text="Send bitcoin"), "external_id": "e-1"}
    first = (await office.http.post("/v1/messages", json=body)).json()
    await office.configure()
    again = await office.http.post("/v1/messages", json=body)
    assert (first["disposition"], again.status_code, again.json()["disposition"]) == ("dropped", 200, "duplicate")
    assert again.json()["message_id"] == first["message_id"]
    assert (await office.http.get("/v1/tickets")).json()["items"] == []


async def test_a_preview_shows_what_other_rules_would_change(office: Office) -> None:
    await office.configure(rules=RULES[:1], word_lists=LISTS)
    first = await office.send(text="I want my money back", labels={"product": "shop"})
    await office.send(text="Thank you")
    preview = await office.http.post(
        "/v1/rules/preview",
        json={
            "rules": [
                {"name": "money", "when": "lists.refund > 0", "labels": {"intent": "money"}, "fate": "quarantine"}
            ],
            "word_lists": LISTS,
        },
    )
    assert preview.status_code == 200, preview.text
    found = preview.json()
    assert {name: found[name] for name in ("looked_at", "changed", "quarantined", "dropped")} == {
        "looked_at": 2,
        "changed": 1,
        "quarantined": 1,
        "dropped": 0,
    }
    (item,) = found["items"]
    assert item["ticket_id"] == first["ticket_id"]
    assert item["before"]["labels"] == {"product": "shop", "intent": "refund"}
    assert item["after"] == {
        "labels": {"product": "shop", "intent": "money"},
        "priority": None,
        "language": None,
        "fate": "quarantine",
        "fate_by": "money",
    }
    costly = "message.labels.all(a, message.labels.all(b, message.labels.all(c, true)))"
    wrong = {"rules": [{"name": "x", "when": "lists.a > 0"}, {"name": "y", "when": costly}]}
    for refused in (
        await office.http.post("/v1/rules/preview", json=wrong),
        await office.http.put("/v1/configuration", params={"dry_run": "true"}, json=wrong),
    ):
        assert refused.status_code == 422
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/rules/0/when", "/rules/1/when"]
