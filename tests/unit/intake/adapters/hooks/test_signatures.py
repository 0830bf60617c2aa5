"""Each provider's scheme against its published vectors, its own library, and whatever else somebody may send."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook, WebhookVerificationError
from twilio.request_validator import RequestValidator

from services.intake.adapters.hooks import forms
from services.intake.adapters.hooks.requests import HookRequest
from services.intake.adapters.hooks.verification import STRANGERS, is_genuine, is_loadable, used_token
from services.intake.domain.provider import (
    MailWebhook,
    Meta,
    Provider,
    ProviderName,
    Slack,
    StandardWebhook,
    Twilio,
)
from tests.unit.intake.adapters.hooks import signing

NOW = signing.NOW
WINDOW = 300

SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SMS = {
    "MessageSid": "SM123",
    "From": "+14158675310",
    "To": "+18005551212",
    "Body": "It is late: 100 % & ünwell",
    "NumMedia": "0",
    "FromCity": "",
}
EVENT = b'{"type": "event_callback", "event_id": "Ev1"}'


def twilio(*secrets: str) -> Provider:
    return Twilio(
        name=ProviderName.TWILIO_SMS, account_sid="AC1", secrets=secrets or (signing.TWILIO,), number="+1"
    )


def slack(*secrets: str) -> Provider:
    return Slack(team_id="T1", secrets=secrets or (signing.SLACK,), bot_token="xoxb")


def meta(*secrets: str) -> Provider:
    return Meta(
        phone_number_id="1", secrets=secrets or (signing.META,), access_token="token", verify_token="verify"
    )


def standard(*secrets: str) -> Provider:
    return StandardWebhook(secrets=secrets or (signing.STANDARD,))


def mail(name: ProviderName, *secrets: str) -> Provider:
    known = {
        ProviderName.SENDGRID: signing.SENDGRID,
        ProviderName.MAILGUN: signing.MAILGUN,
        ProviderName.POSTMARK: signing.POSTMARK,
    }
    return MailWebhook(name=name, secrets=secrets or (known[name],))


SENDGRID, MAILGUN, POSTMARK = (
    mail(name) for name in (ProviderName.SENDGRID, ProviderName.MAILGUN, ProviderName.POSTMARK)
)


def verified(request: HookRequest, provider: Provider, *, now: float = NOW, base: str = signing.BASE) -> bool:
    return is_genuine(request, provider, base_url=base, now=now, window_s=WINDOW)


@pytest.mark.parametrize(
    ("query", "body", "content_type", "signature"),
    [
        (
            "foo=1&bar=2",
            b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&Caller=%2B14158675309&To=%2B18005551212",
            signing.FORM,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        (
            "foo=1&bar=2",
            b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            signing.FORM,
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
        (
            "foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
            b'{"property": "value", "boolean": true}',
            signing.JSON,
            "a9nBmqA0ju/hNViExpshrM61xv4=",
        ),
    ],
)
def test_twilios_vectors(query: str, body: bytes, content_type: str, signature: str) -> None:
    headers = {"X-Twilio-Signature": signature, "Content-Type": content_type}
    request = signing.call("/myapp.php", body, headers, query=query)
    for base in ("https://mycompany.com", "https://mycompany.com:8443", "https://mycompany.com/"):
        assert verified(request, twilio("12345"), base=base)
    assert not verified(request, twilio("12346"), base="https://mycompany.com")
    assert not verified(request, twilio("12345"), base="https://mycompany.org")


def test_slacks_vector() -> None:
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": "1531420618"}
    assert verified(signing.call("/", SLACK_BODY, headers), slack(), now=1531420618)


def test_the_vector_of_standard_webhooks() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    request = signing.call("/", b'{"test": 2432232314}', headers)
    assert verified(request, standard())
    assert verified(request, standard(signing.STANDARD.removeprefix("whsec_")))


def test_sendgrids_vector() -> None:
    """Of `test/unit/test_eventwebhook.py` in SendGrid's Python library: the payload ends with a line end."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8"
        "eNEc6wEA3F+g=="
    )
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
        b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
        b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
        b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
    )
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": (
            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
        ),
        "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
    }
    request = signing.call("/", body, headers)
    provider = mail(ProviderName.SENDGRID, key)
    assert verified(request, provider, now=1600112502)
    assert not verified(signing.with_body(request, body.strip()), provider, now=1600112502)


def genuine() -> list[tuple[HookRequest, Provider]]:
    """One signed call of each scheme whose body is signed."""
    form, form_type = signing.multipart([("email", b"Subject: x\r\n\r\ny", None, ""), ("to", b"s@x", None, "")])
    return [
        (signing.twilio_call(SMS), twilio()),
        (signing.twilio_json_call(b'{"MessageSid": "SM1"}'), twilio()),
        (signing.slack_call(EVENT), slack()),
        (signing.meta_call(b'{"entry": []}'), meta()),
        (signing.standard_call(b'{"type": "message.received"}'), standard()),
        (signing.sendgrid_call(form, form_type), SENDGRID),
    ]


CALLS = genuine()
SCHEMES = pytest.mark.parametrize(
    ("request_", "provider"), CALLS, ids=["twilio", "twilio-json", "slack", "meta", "standard", "sendgrid"]
)
SIGNED_HEADERS = (
    "x-twilio-signature",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "x-hub-signature-256",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-twilio-email-event-webhook-signature",
    "x-twilio-email-event-webhook-timestamp",
)


@SCHEMES
def test_what_the_vendors_libraries_sign_is_genuine(request_: HookRequest, provider: Provider) -> None:
    assert verified(request_, provider)


def edits(text: bytes) -> Iterator[bytes]:
    """Every byte changed in several ways, left out and doubled; others put in everywhere."""
    for at in range(len(text)):
        for flip in (0x01, 0x20, 0x0B, 0x80, 0xFF):
            yield text[:at] + bytes([text[at] ^ flip]) + text[at + 1 :]
        yield text[:at] + text[at + 1 :]
    for at in range(len(text) + 1):
        for more in (b"a", b"0", b" ", b"&", b"=", b"+", b"%", b",", b"\0", b"\r", b"\xff"):
            yield text[:at] + more + text[at:]


@SCHEMES
def test_every_change_of_one_byte_of_the_body_is_refused(request_: HookRequest, provider: Provider) -> None:
    for body in edits(request_.body):
        assert not verified(signing.with_body(request_, body), provider), body


@SCHEMES
def test_every_change_of_one_byte_of_a_header_is_refused(request_: HookRequest, provider: Provider) -> None:
    for name, value in request_.headers:
        if name in SIGNED_HEADERS:
            for other in edits(value.encode("latin-1")):
                changed = signing.with_header(request_, name, other.decode("latin-1"))
                assert not verified(changed, provider), (name, other)


def test_every_change_of_one_byte_of_twilios_url_is_refused() -> None:
    for request, provider in CALLS[:2]:
        for path in edits(request.path.encode()):
            assert not verified(replace(request, path=path.decode("latin-1")), provider)
        for query in edits(request.query.encode()):
            assert not verified(replace(request, query=query.decode("latin-1")), provider)


@given(data=st.data())
def test_no_other_body_is_genuine(data: st.DataObject) -> None:
    request, provider = data.draw(st.sampled_from(CALLS))
    start = data.draw(st.integers(0, len(request.body)))
    stop = data.draw(st.integers(start, len(request.body)))
    put = data.draw(st.binary(max_size=40))
    body = request.body[:start] + put + request.body[stop:]
    if body != request.body:
        assert not verified(signing.with_body(request, body), provider)


@SCHEMES
def test_a_header_that_cannot_be_told_is_refused(request_: HookRequest, provider: Provider) -> None:
    for name, value in request_.headers:
        if name in SIGNED_HEADERS:
            for values in (
                (),
                ("",),
                (value, value),
                (f"{value},{value}",),
                (f"{value}, {value}",),
                ("a" * 65536,),
            ):
                assert not verified(signing.with_header(request_, name, *values), provider), (name, values)


@SCHEMES
def test_another_secret_and_another_scheme_open_nothing(request_: HookRequest, provider: Provider) -> None:
    assert not verified(request_, replace(provider, secrets=()))
    for _, other in CALLS:
        if other.name is not provider.name:
            assert not verified(request_, other)
    for stranger in STRANGERS.values():
        assert not verified(request_, stranger)


@SCHEMES
def test_two_secrets_are_live(request_: HookRequest, provider: Provider) -> None:
    (known,) = provider.secrets
    other = STRANGERS[provider.name].secrets[0]
    assert verified(request_, replace(provider, secrets=(known, other)))
    assert verified(request_, replace(provider, secrets=(other, known)))
    assert not verified(request_, replace(provider, secrets=(other, other)))


@pytest.mark.parametrize("index", [2, 4, 5])
def test_a_call_is_genuine_for_five_minutes_either_way(index: int) -> None:
    request, provider = CALLS[index]
    for late in (-300, 300):
        assert verified(request, provider, now=NOW + late)
    for late in (-301, 301):
        assert not verified(request, provider, now=NOW + late)


@pytest.mark.parametrize(
    "at", ["abc", "1" * 5000, "-1614265330", "+1614265330", "1614265330.0", "1e9", " ", "١٦١٤"]
)
def test_timestamps_that_are_none(at: str) -> None:
    for index, name in (
        (2, "x-slack-request-timestamp"),
        (4, "webhook-timestamp"),
        (5, "x-twilio-email-event-webhook-timestamp"),
    ):
        request, provider = CALLS[index]
        assert not verified(signing.with_header(request, name, at), provider)


def test_a_twilio_body_that_nothing_binds_is_refused() -> None:
    """Twilio's own library takes it: the signature is that of the bare URL."""
    path, body = "/v1/hooks/acme-sms/twilio-sms", '{"MessageSid": "SM1"}'
    url = signing.BASE + path
    signature = RequestValidator(signing.TWILIO).compute_signature(url, {})
    assert RequestValidator(signing.TWILIO).validate(url, {}, signature)
    headers = {"X-Twilio-Signature": signature, "Content-Type": signing.JSON}
    assert not verified(signing.call(path, body.encode(), headers), twilio())
    for named in (hashlib.sha256(body.encode()).hexdigest().upper(), "", "00"):
        assert not verified(signing.call(path, body.encode(), headers, query=f"bodySHA256={named}"), twilio())
    form = {"X-Twilio-Signature": signature, "Content-Type": signing.FORM}
    assert not verified(signing.call(path, b"", form), twilio())


def test_a_twilio_form_is_taken_in_one_spelling() -> None:
    """Names and values are signed decoded, and without what stands between them."""
    request = signing.twilio_call({"Body": "hello you", "NumMedia": ""})
    assert request.body == b"Body=hello+you&NumMedia="
    for body in (
        *(b"Body=hello%20you&NumMedia", b"Body=hello you&NumMedia=", b"Body=hello+you&&NumMedia="),
        *(b"Bodyhello+you&NumMedia=", b"Bod%79=hello+you&NumMedia", b"Body=hello%2byou&NumMedia="),
    ):
        assert not verified(signing.with_body(request, body), twilio())


def test_a_twilio_call_by_get_is_signed_with_its_query() -> None:
    query = "MessageSid=SM1&Body=hello"
    signature = RequestValidator(signing.TWILIO).compute_signature(f"{signing.BASE}/?{query}", {})
    request = signing.call("/", b"", {"X-Twilio-Signature": signature}, query=query, method="GET")
    assert verified(request, twilio())
    assert not verified(replace(request, query=query + "!"), twilio())
    assert not verified(replace(request, body=b"Body=other"), twilio())


def test_a_key_that_twilio_shares_signs_by_the_algorithm_that_it_names() -> None:
    request = signing.twilio_call(SMS)
    url = signing.BASE + request.path
    signature = RequestValidator(signing.TWILIO).compute_signature(url, SMS, "HMAC_SHA256")
    request = signing.with_header(request, "x-twilio-signature", signature)
    name = "x-twilio-webhooks-signature-settings"
    assert not verified(request, twilio())
    assert verified(signing.with_header(request, name, "key=k,algorithm=HMAC_SHA256"), twilio())
    for settings in ("key=k,algorithm=HMAC_SHA1", "key=k,algorithm=HMAC_MD5", "key=k", ""):
        assert not verified(signing.with_header(request, name, settings), twilio())


def test_vendors_libraries_take_what_ours_takes() -> None:
    sms, _, event, _, message, form = (request for request, _ in CALLS)
    url = signing.BASE + sms.path
    assert RequestValidator(signing.TWILIO).validate(
        url, signing.decoded(sms.body), sms.header("x-twilio-signature")
    )

    class Clock:
        def now(self) -> float:
            return float(NOW)

    verifier = SignatureVerifier(signing.SLACK, clock=Clock())  # type: ignore[arg-type] # duck-typed
    assert verifier.is_valid_request(event.body, dict(event.headers))
    payload = form.body.decode()
    assert EventWebhook(signing.SENDGRID).verify_signature(
        payload,
        form.header("x-twilio-email-event-webhook-signature"),
        form.header("x-twilio-email-event-webhook-timestamp"),
    )
    # The library's clock is the machine's.
    fresh = signing.standard_call(message.body, at=int(datetime.now(UTC).timestamp()))
    Webhook(signing.STANDARD).verify(fresh.body, dict(fresh.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.STANDARD).verify(message.body, dict(message.headers))


def test_a_list_of_signatures_needs_one_that_fits() -> None:
    request, provider = CALLS[4]
    good = request.header("webhook-signature") or ""
    for entries in (
        f"v1,AAAA {good}",
        f"{good} v1,AAAA",
        f"v2,AAAA {good}",
        f"nonsense {good}",
        f"v1a,AAAA {good}",
    ):
        assert verified(signing.with_header(request, "webhook-signature", entries), provider)
    for entries in (
        f"v1,AAAA,{good}",
        f"{good},v1,AAAA",
        f" {good}",
        f"{good} ",
        good.replace("v1,", "v2,"),
        "v1,",
    ):
        assert not verified(signing.with_header(request, "webhook-signature", entries), provider)


def test_standard_webhooks_with_a_key_pair() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    public = "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()
    private = "whsk_" + base64.b64encode(b"k" * 32).decode()
    request = CALLS[4][0]
    signature = base64.b64encode(key.sign(f"msg_1.{NOW}.".encode() + request.body)).decode()
    signed = signing.with_header(request, "webhook-signature", f"v1a,{signature}")
    for secret in (public, private):
        assert verified(signed, standard(secret))
        assert not verified(signing.with_header(signed, "webhook-signature", f"v1,{signature}"), standard(secret))
        assert not verified(signing.with_body(signed, b"{}"), standard(secret))
    assert not verified(signed, standard())


def test_mailguns_token_is_bound_to_its_timestamp() -> None:
    fields = signing.mailgun_fields()
    assert verified(signing.mailgun_call(fields), MAILGUN)
    for name, value in fields.items():
        for other in edits(value.encode()):
            changed = {**fields, name: other.decode("latin-1")}
            assert not verified(signing.mailgun_call(changed), MAILGUN), changed
    at, token = fields["timestamp"], fields["token"]
    for moved in (
        {"timestamp": at[:-1], "token": at[-1] + token},
        {"timestamp": at + token[0], "token": token[1:]},
    ):
        assert not verified(signing.mailgun_call({**fields, **moved}), MAILGUN)


def test_mailgun_may_take_its_time_and_not_for_ever() -> None:
    call = signing.mailgun_call(signing.mailgun_fields())
    for days in (-1, 1 / 3, 3):
        assert verified(call, MAILGUN, now=NOW + days * 86_400)
    for days in (-1.01, 3.01, 4000):
        assert not verified(call, MAILGUN, now=NOW + days * 86_400)


def test_of_repeated_fields_mailguns_last_counts() -> None:
    body = signing.mailgun_call(signing.mailgun_fields()).body
    for first in (b"token=x&", b"signature=x&timestamp=1&"):
        request = signing.call("/", first + body, {"Content-Type": signing.FORM})
        assert verified(request, MAILGUN)
        assert not verified(signing.with_body(request, body + b"&" + first.rstrip(b"&")), MAILGUN)


def test_the_use_of_a_token_is_known_whatever_the_boundary() -> None:
    fields = [(name, value.encode(), None, "") for name, value in signing.mailgun_fields().items()]
    used = set()
    for boundary in ("a", "b"):
        body, content_type = signing.multipart([*fields, ("body-plain", b"x", None, "")], boundary)
        request = signing.call("/", body, {"Content-Type": content_type})
        assert verified(request, MAILGUN)
        used.add(used_token(request, MAILGUN))
    assert len(used) == 1
    body, content_type = signing.multipart([*fields, ("body-plain", b"y", None, "")])
    assert used_token(signing.call("/", body, {"Content-Type": content_type}), MAILGUN) not in used
    assert used_token(CALLS[2][0], slack()) is None


LONG_NAME = [("attachment-1", b"x", "n" * 5_000, "text/plain")]
MANY = [("a", b"", None, "")] * 1_001


@pytest.mark.parametrize(
    ("before", "behind", "cut"),
    [(LONG_NAME, [], 0), ([], LONG_NAME, 0), (MANY, [], 0), ([], MANY, 0), ([], MANY * 5, 0), ([], LONG_NAME, 9)],
)
def test_a_genuine_mail_of_mailgun_is_genuine_whatever_its_form(
    before: list[tuple[str, bytes, str | None, str]], behind: list[tuple[str, bytes, str | None, str]], cut: int
) -> None:
    fields = [(name, value.encode(), None, "") for name, value in signing.mailgun_fields().items()]
    body, content_type = signing.multipart([*before, *fields, *behind])
    body = body[: len(body) - cut]
    request = signing.call("/", body, {"Content-Type": content_type})
    assert verified(request, MAILGUN)
    assert not verified(request, mail(ProviderName.MAILGUN, "another"))
    used = used_token(request, MAILGUN)
    assert used
    assert used[0] == "a" * 50
    assert used != used_token(signing.with_body(request, body.replace(b'name="a', b'name="b')), MAILGUN)
    with pytest.raises(forms.MalformedForm):
        forms.fields(content_type, body)


def test_a_genuine_percent_encoded_mail_of_mailgun_is_genuine_whatever_its_form() -> None:
    body = signing.mailgun_call(signing.mailgun_fields()).body
    for beyond in (b"&".join([b"a=1"] * 1_001), b"n" * 201):
        for whole in (beyond + b"&" + body, body + b"&" + beyond):
            assert verified(signing.call("/", whole, {"Content-Type": signing.FORM}), MAILGUN)


def test_postmarks_password() -> None:
    request = signing.postmark_call({"MessageID": "1"})
    assert verified(request, POSTMARK)
    (authorization,) = [value for name, value in request.headers if name == "authorization"]
    for other in edits(authorization.encode()):
        assert not verified(signing.with_header(request, "authorization", other.decode("latin-1")), POSTMARK)
    assert not verified(signing.with_header(request, "authorization", authorization, authorization), POSTMARK)
    assert verified(request, mail(ProviderName.POSTMARK, "waypost:other", signing.POSTMARK))


@pytest.mark.parametrize(
    ("provider", "is_good"),
    [
        (standard("whsec_not base64!"), False),
        (standard("whsec_"), False),
        (standard("whpk_AAAA"), False),
        (standard("whsec_not base64!", signing.STANDARD), True),
        (mail(ProviderName.SENDGRID, "AAAA"), False),
        (mail(ProviderName.SENDGRID, "not base64!"), False),
        (SENDGRID, True),
        (twilio(), True),
    ],
)
def test_a_secret_that_is_no_key_is_known_for_one(provider: Provider, is_good: bool) -> None:
    assert is_loadable(provider) is is_good
    for request, _ in CALLS:
        assert verified(request, provider) in ((True, False) if is_good else (False,))


OTHER_HEADERS = ("authorization", "content-type", "x-twilio-webhooks-signature-settings")
HEADER = st.one_of(
    st.tuples(
        st.sampled_from(
            [*SIGNED_HEADERS, "authorization", "content-type", "x-twilio-webhooks-signature-settings"]
        ),
        st.text(st.characters(max_codepoint=255), max_size=60)
        | st.sampled_from(["v1,", "v1a,AAAA v1,é", "sha256=", "v0=é", str(NOW), signing.FORM, "Basic é"])
        | st.just("multipart/form-data; boundary=x"),
    )
)


@given(
    method=st.sampled_from(["GET", "POST"]),
    path=st.text(st.characters(max_codepoint=255), max_size=20),
    query=st.text(st.characters(max_codepoint=255), max_size=40) | st.just("bodySHA256=00"),
    headers=st.lists(HEADER, max_size=5),
    body=st.binary(max_size=80) | st.just(b"--x\r\nContent-Disposition: form-data; name=token\r\n\r\n\r\n--x--"),
    base=st.sampled_from([signing.BASE, "https://h:99999999", "http://[::1", "", "http://h:0"]),
    make=st.sampled_from([twilio, slack, meta, standard, lambda: SENDGRID, lambda: MAILGUN, lambda: POSTMARK]),
)
def test_whatever_somebody_sends_has_an_answer(
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    body: bytes,
    base: str,
    make: Callable[[], Provider],
) -> None:
    request = HookRequest(method=method, path=path, query=query, headers=tuple(headers), body=body)
    assert verified(request, make(), base=base) is False
