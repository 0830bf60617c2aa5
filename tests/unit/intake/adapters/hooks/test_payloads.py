"""What the payloads of messaging services say."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.hooks import slack
from services.intake.adapters.hooks.numbers import sender_identity, whatsapp_identity
from services.intake.adapters.hooks.reading import read_hook, standing_for
from services.intake.app.mail_ports import Raw
from services.intake.domain.call import CallEventKind
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.hook import Brought, Consent, consent_in
from services.intake.domain.message import DeliveryState, Identity, IdentityKind, InboundMessage, Media
from services.intake.domain.provider import ProviderName
from services.intake.domain.vendor_answers import UNDELIVERED, meta_reason, twilio_reason
from shared.vocabulary import MachineClass
from tests.unit.intake.adapters.hooks import documented
from tests.unit.intake.adapters.hooks.signing import FORM, JSON
from tests.unit.intake.builders import NOW, an_id

SMS = {
    "AccountSid": "AC1",
    "MessageSid": "SM1",
    "From": "+14155238886",
    "To": "+15550100",
    "Body": "Help",
    "NumMedia": "0",
}


def raw(form: str, **headers: str) -> Raw:
    return Raw(
        workspace_id="acme",
        raw_id=an_id(1),
        channel="c",
        sender=None,
        recipients=(),
        sha256=b"",
        size=0,
        received_at=NOW,
        traceparent=None,
        form=form,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def read(form: str, payload: object, **headers: str) -> tuple[Brought, ...]:
    if form.startswith("twilio") and isinstance(payload, dict):
        found = read_hook(raw(form, content_type=FORM), urlencode(payload).encode()).brought
    else:
        found = read_hook(raw(form, content_type=JSON, **headers), json.dumps(payload).encode()).brought
    assert not isinstance(found, str), found
    return found


def message(form: str, payload: object, **headers: str) -> InboundMessage:
    """The only message of a payload."""
    ((written,),) = (brought.messages for brought in read(form, payload, **headers))
    return written.message


def receipt(form: str, payload: object) -> DeliveryReceipt | None:
    (brought,) = read(form, payload)
    assert not brought.messages
    return next(iter(brought.receipts), None)


def ignored(form: str, payload: object) -> str | None:
    (brought,) = read(form, payload)
    assert not brought.messages
    return brought.ignored


@pytest.mark.parametrize(
    ("number", "identity"),
    [
        ("5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        ("5491123456789", "+541123456789"),
        ("541123456789", "+541123456789"),
        ("16505551234", "+16505551234"),
        ("52155123456789", "+52155123456789"),
        ("390612345678", "+390612345678"),
    ],
)
def test_numbers_that_whatsapp_writes_otherwise(number: str, identity: str) -> None:
    assert whatsapp_identity(number) == Identity(kind=IdentityKind.PHONE, value=identity)


def test_who_has_no_number() -> None:
    assert whatsapp_identity("somebody") == Identity(kind=IdentityKind.HANDLE, value="somebody")
    assert sender_identity("messenger:1234567890123456789").kind is IdentityKind.HANDLE
    assert sender_identity("rcs:+14155238886").value == "+14155238886"
    assert sender_identity("ACME").value == "ACME"
    assert sender_identity("12345").value == "12345"


@pytest.mark.parametrize(
    ("text", "consent"),
    [
        *((word, Consent.OPTED_OUT) for word in ("STOP", "stop", " Unsubscribe\n", "End.", "quit!", "CANCEL")),
        *((word, Consent.OPTED_IN) for word in ("START", "unstop")),
        *((words, None) for words in ("", "Please stop", "stop it", "STOPP", "yes", "non-stop", "…")),
    ],
)
def test_words_that_speak_of_consent(text: str, consent: Consent | None) -> None:
    assert consent_in(text) is consent


def test_a_text_by_twilio() -> None:
    fields = {
        **SMS,
        "NumMedia": "2",
        "MediaUrl0": "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
        "MediaContentType0": "image/jpeg",
        "MediaUrl1": "https://api.twilio.com/m/2",
    }
    found = message("twilio-sms", fields)
    assert (found.text, found.subject, found.continues, found.thread_key) == ("Help", "", True, None)
    assert (found.dedupe_key, found.provider_message_id) == ("twilio-sms:SM1", "SM1")
    assert found.sender.identity == Identity(kind=IdentityKind.PHONE, value="+14155238886")
    assert found.delivered_to == ("+15550100",)
    assert found.media == (
        Media(url=fields["MediaUrl0"], media_type="image/jpeg", provider="twilio-sms"),
        Media(url="https://api.twilio.com/m/2", provider="twilio-sms"),
    )


@pytest.mark.parametrize("count", ["x", "-1", "9999", "1e9", "²", ""])
def test_a_number_of_files_that_is_none(count: str) -> None:
    assert message("twilio-sms", {**SMS, "NumMedia": count}).media == ()


def test_whatsapp_by_twilio_answers_to_the_number_that_it_came_from() -> None:
    fields = {**SMS, "From": "whatsapp:+5215512345678", "To": "whatsapp:+15550100", "ProfileName": "Ada"}
    found = message("twilio-sms", {**fields, "Latitude": "52.5", "Longitude": "13.4", "Label": "Office"})
    assert (found.sender.identity, found.sender.name) == (whatsapp_identity("525512345678"), "Ada")
    assert (found.reply_to, found.delivered_to) == ("+5215512345678", ("+15550100",))
    assert found.text == "Help\nOffice, 52.5, 13.4"


@pytest.mark.parametrize(
    ("told", "body", "consent"),
    [
        ("STOP", "ARRET", Consent.OPTED_OUT),
        ("START", "x", Consent.OPTED_IN),
        ("HELP", "STOP", None),
        ("", "stop", Consent.OPTED_OUT),
    ],
)
def test_twilio_says_itself_who_opts_out(told: str, body: str, consent: Consent | None) -> None:
    ((written,),) = (one.messages for one in read("twilio-sms", {**SMS, "Body": body, "OptOutType": told}))
    assert written.consent is consent


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", None),
        ("sending", None),
        ("sent", DeliveryState.SENT),
        ("delivered", DeliveryState.DELIVERED),
        ("read", DeliveryState.READ),
        ("undelivered", DeliveryState.FAILED),
        ("failed", DeliveryState.FAILED),
    ],
)
def test_receipts_by_twilio(status: str, state: DeliveryState | None) -> None:
    told = {"ErrorCode": "30003", "ErrorMessage": "+447700900123 of Ada"}
    fields = {"AccountSid": "AC1", "MessageSid": "SM2", "MessageStatus": status, **told}
    found = receipt("twilio-sms", fields)
    assert (found.state if found else None) is state
    if found and state is DeliveryState.FAILED:
        assert (found.provider_id, found.reason) == ("SM2", twilio_reason(30003))


def test_a_batch_of_meta_is_read_number_by_number() -> None:
    batch = documented.whatsapp(documented.whatsapp_text("a", id="1"), documented.whatsapp_text("b", id="2"))
    batch["entry"] += documented.whatsapp(documented.whatsapp_text("c", id="3"), number="9")["entry"]
    batch["entry"] += [{"changes": [{"field": "message_template_status_update", "value": {}}]}]
    first, second = read("whatsapp", batch)
    assert (first.account, second.account) == ("106540352242922", "9")
    assert [written.message.text for written in first.messages] == ["a", "b"]
    found = first.messages[0].message
    assert (found.sender.name, found.sender.is_verified, found.continues) == ("Sheena Nelson", True, True)
    assert (found.dedupe_key, found.sent_at) == ("whatsapp:1", datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC))


def test_what_cannot_be_read_in_a_batch_of_meta_takes_nothing_else_with_it() -> None:
    texts = [documented.whatsapp_text("a", id="1"), {"type": "text"}, documented.whatsapp_text("b", id="2")]
    statuses: list[documented.Json] = [{"status": "read"}, {"id": "wamid.1", "status": "read"}]
    (brought,) = read("whatsapp", documented.whatsapp(*texts, statuses=statuses))
    assert [written.message.text for written in brought.messages] == ["a", "b"]
    assert [receipt.provider_id for receipt in brought.receipts] == ["wamid.1"]
    assert brought.unreadable == "from is missing"


def interactive(kind: str, **reply: str) -> documented.Json:
    return {"type": "interactive", "interactive": {"type": kind, kind: reply}}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"type": "button", "button": {"text": "No", "payload": "no-1"}}, "No"),
        (
            {
                "type": "interactive",
                "interactive": {
                    "type": "list_reply",
                    "list_reply": {"id": "1", "title": "Red", "description": "Dark"},
                },
            },
            "Red\nDark",
        ),
        (
            {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"title": "Yes"}}},
            "Yes",
        ),
        (
            {
                "type": "location",
                "location": {"latitude": 52.5, "longitude": -13, "name": "Office", "address": "Here"},
            },
            "Office, Here, 52.5, -13",
        ),
        (
            {
                "type": "contacts",
                "contacts": [{"name": {"formatted_name": "Bob"}, "phones": [{"phone": "+1"}], "emails": []}],
            },
            "Bob, +1",
        ),
        (
            {"type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown"}]},
            "[unsupported] Message type unknown",
        ),
        ({"type": "order", "order": {"text": "Two of them"}}, "Two of them"),
    ],
)
def test_what_else_people_send_by_whatsapp(item: documented.Json, text: str) -> None:
    found = message("whatsapp", documented.whatsapp({**documented.whatsapp_text(), **item}))
    assert (found.text, found.media) == (text, ())


def test_files_of_whatsapp_are_known_by_an_id() -> None:
    item = {"type": "document", "document": {"id": "1003383421387256", "mime_type": "application/pdf",
            "filename": "bill.pdf", "caption": "See this"}}  # fmt: skip
    found = message("whatsapp", documented.whatsapp({**documented.whatsapp_text(), **item}))
    assert found.text == "See this"
    assert found.media == (
        Media(url="1003383421387256", media_type="application/pdf", filename="bill.pdf", provider="whatsapp"),
    )


def test_reactions_and_receipts_of_whatsapp_are_no_messages() -> None:
    reaction = {**documented.whatsapp_text(), "type": "reaction", "reaction": {"emoji": "👍", "message_id": "1"}}
    assert ignored("whatsapp", documented.whatsapp(reaction)) == "reaction"
    failed = {
        "id": "wamid.1",
        "status": "failed",
        "timestamp": "1749416383",
        "recipient_id": "16505551234",
        "errors": [{"code": 131047, "title": "Re-engagement message"}],
    }
    found = receipt("whatsapp", documented.whatsapp(statuses=[failed]))
    assert found is not None
    assert (found.provider_id, found.state, found.reason) == (
        "wamid.1",
        DeliveryState.FAILED,
        meta_reason(131047),
    )
    unknown = receipt("whatsapp", documented.whatsapp(statuses=[{**failed, "errors": [{"code": "+16505551234"}]}]))
    assert unknown is not None
    assert unknown.reason == meta_reason(None)
    read_ = receipt("whatsapp", documented.whatsapp(statuses=[{**failed, "status": "read", "errors": []}]))
    assert read_ is not None
    assert (read_.state, read_.reason) == (DeliveryState.READ, None)


def test_a_call_that_brings_more_than_a_commit_can_take_is_for_a_person() -> None:
    texts = [documented.whatsapp_text(id=f"wamid.{n}") for n in range(600)]
    told = [{"id": f"wamid.{n}", "status": "sent", "timestamp": "1749416383"} for n in range(401)]
    (brought,) = read("whatsapp", documented.whatsapp(*texts, statuses=told[:-1]))
    assert brought.parts == 1000
    body = json.dumps(documented.whatsapp(*texts, statuses=told)).encode()
    assert isinstance(read_hook(raw("whatsapp", content_type=JSON), body).brought, str)


def test_a_slack_thread_is_one_conversation() -> None:
    first = message("slack", documented.slack())
    assert (first.dedupe_key, first.thread_key) == (
        "slack:C123ABC456:1355517523.000005",
        "C123ABC456:1355517523.000005",
    )
    assert first.sender.identity == Identity(kind=IdentityKind.HANDLE, value="U123ABC456")
    answer = message("slack", documented.slack(ts="1355517600.1", thread_ts="1355517523.000005"))
    assert answer.thread_key == first.thread_key
    assert answer.dedupe_key != first.dedupe_key
    # A mention comes once more, as an event of its own.
    mention = message("slack", {**documented.slack(type="app_mention"), "event_id": "Ev2"})
    assert mention.dedupe_key == first.dedupe_key


def test_slacks_marks_are_shown_as_text() -> None:
    text = "See <https://x.example/a?b=1&amp;c|this> and <https://y.example>, <@U1>: 1 &lt; 2 &amp;&amp; 3 &gt; 2"
    assert message("slack", documented.slack(text=text)).text == (
        "See this (https://x.example/a?b=1&c) and https://y.example, @U1: 1 < 2 && 3 > 2"
    )


def test_files_of_slack() -> None:
    file = {"id": "F1", "name": "a.png", "mimetype": "image/png", "url_private": "https://files.slack.com/a",
            "url_private_download": "https://files.slack.com/download/a"}  # fmt: skip
    found = message("slack", documented.slack(subtype="file_share", files=[file, {"id": "F2"}]))
    assert found.media == (
        Media(
            url="https://files.slack.com/download/a", media_type="image/png", filename="a.png", provider="slack"
        ),
    )


def test_an_edit_is_a_message_that_says_so() -> None:
    before = {"type": "message", "user": "U123ABC456", "text": "Helo", "ts": "1355517523.000005"}
    after = {**before, "text": "Hello", "edited": {"user": "U123ABC456", "ts": "1355517536.000001"}}
    change = {"subtype": "message_changed", "message": after, "previous_message": before, "user": None}
    found = message("slack", documented.slack(**change, text=None, ts="1355517536.000001"))
    assert (found.text, found.thread_key) == ("(edited) Hello", "C123ABC456:1355517523.000005")
    assert found.dedupe_key == "slack:C123ABC456:1355517523.000005:1355517536.000001"
    unfolded = {**change, "message": {**before, "attachments": [{}]}}
    assert ignored("slack", documented.slack(**unfolded)) == "not changed"


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B1", "app_id": "A123ABC456", "subtype": "bot_message"},
        {"bot_id": "B1", "bot_profile": {"app_id": "A123ABC456"}},
        {"user": "UBOT"},
    ],
)
def test_our_own_bot_is_not_heard(event: documented.Json) -> None:
    assert ignored("slack", documented.slack(**event)) == "our own bot"
    edit = {"subtype": "message_changed", "message": {"text": "x", "ts": "1", **event}}
    assert ignored("slack", documented.slack(**edit)) == "our own bot"


def test_other_bots_are_machines() -> None:
    found = message("slack", documented.slack(user=None, bot_id="B2", username="Alarm", subtype="bot_message"))
    assert (found.machine, found.sender.name) == (MachineClass.AUTO_GENERATED, "Alarm")
    assert found.sender.identity == Identity(kind=IdentityKind.HANDLE, value="B2")


@pytest.mark.parametrize(
    "event", [{"subtype": "channel_join"}, {"subtype": "message_deleted"}, {"type": "reaction_added"}]
)
def test_what_else_happens_in_slack_says_nothing(event: documented.Json) -> None:
    assert ignored("slack", documented.slack(**event)) is not None


def test_slacks_challenge() -> None:
    assert slack.challenge(b'{"type": "url_verification", "challenge": "c"}') == "c"
    for body in (b'{"type": "event_callback", "challenge": "url_verification"}', b"url_verification", b"[]"):
        assert slack.challenge(body) is None


def test_the_neutral_webhook() -> None:
    media = [{"url": "https://x.example/a", "content_type": "image/png"}, {"url": ""}, "nonsense"]
    payload = documented.standard(media=media, sent_at="2026-03-12T10:15:00+01:00")
    found = message("standard-webhook", payload, webhook_id="msg_1")
    assert (found.dedupe_key, found.continues) == ("standard-webhook:msg_1", True)
    assert found.sender.identity == Identity(kind=IdentityKind.PHONE, value="07700 900123")
    assert (found.sender.name, found.sender.is_verified) == ("Ada", False)
    assert found.media == (Media(url="https://x.example/a", media_type="image/png", provider="standard-webhook"),)
    assert found.sent_at == datetime(2026, 3, 12, 9, 15, tzinfo=UTC)
    handle = message("standard-webhook", documented.standard(**{"from": {"handle": "@ada"}, "thread": "t-1"}))
    assert (handle.sender.identity, handle.thread_key, handle.continues) == (
        Identity(kind=IdentityKind.HANDLE, value="@ada"),
        "t-1",
        False,
    )
    email = message("standard-webhook", documented.standard(**{"from": {"email": "Ada@Example.ORG"}}))
    assert email.sender.identity == Identity(kind=IdentityKind.EMAIL, value="Ada@example.org")


def test_what_the_neutral_webhook_tells_of_our_messages_and_of_calls() -> None:
    found = receipt("standard-webhook", {"type": "message.failed", "data": {"id": "o-1", "reason": "no route"}})
    assert found is not None
    assert (found.provider_id, found.state, found.reason) == ("o-1", DeliveryState.FAILED, UNDELIVERED)
    event = {"type": "call.ringing", "data": {"call_id": "c-1", "seq": 1, "at": "2026-03-12T10:15:00Z"}}
    ((call,),) = (brought.calls for brought in read("standard-webhook", event))
    assert (call.kind, call.call_id) == (CallEventKind.RINGING, "c-1")
    leg = {"CallSid": f"CA{1:032x}", "CallStatus": "ringing", "Direction": "inbound", "From": "+14155238886"}
    ((call,),) = (brought.calls for brought in read("twilio-voice", leg))
    assert (call.kind, call.call_id, call.from_) == (CallEventKind.RINGING, leg["CallSid"], leg["From"])


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        ("twilio-sms", {}),
        ("twilio-sms", {"MessageSid": "SM1", "From": "+1"}),
        ("twilio-sms", {**SMS, "From": ""}),
        ("twilio-sms", {**SMS, "MessageSid": "S" * 500}),
        ("twilio-sms", {**SMS, "MessageStatus": "dancing"}),
        ("twilio-voice", {}),
        ("whatsapp", {"object": "page"}),
        ("slack", {**documented.slack(channel=None)}),
        ("standard-webhook", {"type": "message.received", "data": {"id": "1", "from": {}}}),
        ("standard-webhook", {"type": "message.danced", "data": {}}),
        ("standard-webhook", []),
    ],
)
def test_what_is_not_as_documented_is_said_to_be_so(form: str, payload: object) -> None:
    is_form = isinstance(payload, dict) and form.startswith("twilio")
    body = urlencode(payload).encode() if is_form and isinstance(payload, dict) else json.dumps(payload).encode()
    found = read_hook(raw(form, content_type=FORM if is_form else JSON), body)
    assert isinstance(found.brought, str)
    standing = standing_for(found.raw, body, found.brought)
    assert standing.attached is not None
    assert standing.attached.content == body


def test_what_nobody_can_store_is_replaced() -> None:
    event = documented.standard(text="a\0b\ud800")
    assert message("standard-webhook", event).text == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert message("twilio-sms", {**SMS, "Body": "a\0b"}).text == "a\N{REPLACEMENT CHARACTER}b"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KNOWN: list[tuple[str, documented.Json]] = [
    ("whatsapp", documented.whatsapp(documented.whatsapp_text(), statuses=[{"id": "1", "status": "sent"}])),
    ("slack", documented.slack()),
    ("standard-webhook", documented.standard(media=[{"url": "x"}])),
    ("twilio-sms", dict(SMS)),
]


@given(data=st.data())
def test_any_value_in_any_place_is_read_or_said_not_to_be(data: st.DataObject) -> None:
    form, payload = data.draw(st.sampled_from(KNOWN))
    changed = json.loads(json.dumps(payload))
    place, path = changed, []
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        path.append(key)
        inner = place[key]
        if not inner or not isinstance(inner, dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(VALUES)
            break
        place = inner
    found = read_hook(raw(form, content_type=JSON), json.dumps(changed).encode())
    assert not (isinstance(found.brought, str) and "fails" in found.brought), (path, found.brought)


@given(st.sampled_from(list(ProviderName)), st.binary(max_size=60))
def test_any_bytes_are_read_or_said_not_to_be(form: ProviderName, body: bytes) -> None:
    if form not in ("sendgrid", "mailgun", "postmark"):
        found = read_hook(raw(form, content_type=JSON), body)
        assert not (isinstance(found.brought, str) and "fails" in found.brought)
