"""What keeps a message from leaving before anybody is asked."""

from datetime import timedelta

import pytest

from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.outgoing import Later, Never, OutgoingFile, answerable, obstacle
from services.intake.domain.provider import MailWebhook, Meta, ProviderName, Slack, StandardWebhook, Twilio
from services.intake.domain.slack_threads import SlackPlace, place_of
from services.intake.domain.whatsapp import OUTSIDE_WINDOW, WhatsAppTemplate
from services.intake.domain.workspace import Channel
from shared.vocabulary import ChannelKind
from tests.unit.intake.builders import NOW, an_outgoing

TWILIO = Twilio(name=ProviderName.TWILIO_SMS, account_sid="AC1", secrets=("s",), number="+15550100")
PHONE = Identity(kind=IdentityKind.PHONE, value="+4930123456")
SMS = {"channel_kind": ChannelKind.SMS, "recipient": PHONE}
WHATSAPP = {"channel_kind": ChannelKind.WHATSAPP, "recipient": PHONE}


def a_channel(kind: ChannelKind = ChannelKind.SMS, **fields: object) -> Channel:
    return Channel(**{"channel_id": "texts", "kind": kind, "providers": (TWILIO,), **fields})  # type: ignore[arg-type] # a builder


def test_nothing_keeps_a_text_from_leaving() -> None:
    assert obstacle(an_outgoing(**SMS), a_channel(), NOW) is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"recipient": None}, "nobody knows the customer's number"),
        ({"is_opted_out": True}, "the customer has opted out"),
        ({"text": "ç" * 671}, "the text is longer than 10 segments"),
        (
            {"files": (OutgoingFile(filename="a", media_type="a/b", sha256=b"", size=1),)},
            "files leave by mail only",
        ),
        ({"template": WhatsAppTemplate(name="hello", language="en")}, "only WhatsApp has templates"),
    ],
)
def test_what_can_be_known_is_said_at_once(fields: dict[str, object], reason: str) -> None:
    assert obstacle(an_outgoing(**{**SMS, **fields}), a_channel(), NOW) == Never(reason=reason)


@pytest.mark.parametrize(
    "channel",
    [
        None,
        a_channel(providers=()),
        a_channel(providers=(StandardWebhook(secrets=("s",)),)),
        a_channel(
            ChannelKind.VOICE,
            providers=(Twilio(name=ProviderName.TWILIO_VOICE, account_sid="A", secrets=("s",), number="+1555"),),
        ),
    ],
)
def test_without_a_provider_that_sends_nothing_leaves(channel: Channel | None) -> None:
    assert obstacle(an_outgoing(**SMS), channel, NOW) == Never(
        reason="the channel has no provider that sends any more"
    )


def test_secrets_that_were_lost_can_be_set_again() -> None:
    waits = obstacle(an_outgoing(**SMS), a_channel(providers=(), has_lost_secrets=True), NOW)
    assert isinstance(waits, Later)


def test_mail_leaves_without_the_secrets_of_what_brings_it() -> None:
    channel = a_channel(ChannelKind.EMAIL, address="support@acme.example", providers=(), has_lost_secrets=True)
    assert obstacle(an_outgoing(), channel, NOW) is None


@pytest.mark.parametrize(
    ("asked", "is_refused"),
    [(timedelta(hours=23, minutes=59), False), (timedelta(hours=24), True), (None, True)],
)
def test_free_text_by_whatsapp_leaves_within_a_day_of_the_customer_s_message(
    asked: timedelta | None, *, is_refused: bool
) -> None:
    outgoing = an_outgoing(**WHATSAPP, asked_at=None if asked is None else NOW - asked)
    found = obstacle(outgoing, a_channel(ChannelKind.WHATSAPP), NOW)
    assert found == (Never(reason=OUTSIDE_WINDOW) if is_refused else None)


def test_a_template_leaves_at_any_time() -> None:
    template = WhatsAppTemplate(name="hello", language="en")
    assert obstacle(an_outgoing(**WHATSAPP, template=template), a_channel(ChannelKind.WHATSAPP), NOW) is None


def test_the_first_provider_that_can_takes_the_answers() -> None:
    silent = StandardWebhook(secrets=("s",))
    meta = Meta(phone_number_id="1", secrets=("s",), access_token="t", verify_token="v")
    slack = Slack(team_id="T", secrets=("s",), bot_token="b")
    mail = MailWebhook(name=ProviderName.MAILGUN, secrets=("s",))
    assert a_channel(providers=(silent, mail, meta, slack)).sender == meta
    assert a_channel(providers=(silent, mail)).sender is None


@pytest.mark.parametrize(
    ("kind", "writer", "known", "found"),
    [
        (ChannelKind.SMS, PHONE, {}, PHONE),
        (ChannelKind.SMS, Identity(kind=IdentityKind.EMAIL, value="a@x.example"), {}, None),
        (ChannelKind.SMS, None, {IdentityKind.PHONE: PHONE.value, IdentityKind.EMAIL: "a@x.example"}, PHONE),
        (ChannelKind.EMAIL, PHONE, {IdentityKind.PHONE: PHONE.value}, None),
        (ChannelKind.API, PHONE, {}, PHONE),
        (ChannelKind.API, None, {IdentityKind.PHONE: PHONE.value}, PHONE),
        (ChannelKind.SLACK, PHONE, {}, None),
    ],
)
def test_answers_go_to_who_wrote_if_the_channel_reaches_them(
    kind: ChannelKind, writer: Identity | None, known: dict[IdentityKind, str], found: Identity | None
) -> None:
    assert answerable(kind, writer, known) == found


@pytest.mark.parametrize(
    ("thread_key", "handle", "place"),
    [
        ("C042:1712.000100", "U1", SlackPlace("C042", "1712.000100")),
        (None, "U042", SlackPlace("U042")),
        ("nonsense", "U042", SlackPlace("U042")),
        ("C042:1\n", None, None),
        (None, "ada", None),
        (None, None, None),
    ],
)
def test_slack_is_answered_in_the_thread_or_to_the_person(
    thread_key: str | None, handle: str | None, place: SlackPlace | None
) -> None:
    assert place_of(thread_key, handle) == place
