import pytest
from pydantic import ValidationError

from services.intake.app.channel_parts import ChannelPart, channel_problems, to_channel
from shared.secrets import Secret

CHAT = {"public_key": "public-key", "origins": ["https://WWW.example.com"]}


def a_channel(kind: str = "chat", address: str | None = "acme-chat", **chat: object) -> ChannelPart:
    part = {"id": "web", "kind": kind, "address": address, "chat": {**CHAT, **chat}}
    return ChannelPart.model_validate(part)


def problems(*channels: ChannelPart) -> list[str]:
    return [pointer for pointer, _ in channel_problems(channels)]


def test_a_channel_offers_what_is_configured() -> None:
    offer = to_channel(a_channel(), str).chat
    assert offer is not None
    assert offer.origins == {"https://www.example.com"}
    assert (offer.idle_after.total_seconds(), offer.abandon_after.total_seconds()) == (900, 120)


def test_one_whose_secret_cannot_be_opened_offers_nothing() -> None:
    def lost(_: Secret) -> str:
        raise ValueError("another key")

    channel = to_channel(a_channel(secrets=["x" * 32]), lost)
    assert channel.chat is None
    assert channel.has_lost_secrets


def test_what_does_not_fit_is_named() -> None:
    assert problems(a_channel()) == []
    assert problems(a_channel(kind="api")) == ["/channels/0/chat"]
    assert problems(a_channel(address=None)) == ["/channels/0/address"]
    assert problems(a_channel(mail_channel="mail")) == ["/channels/0/chat/mail_channel"]
    assert problems(a_channel(transcript=True)) == ["/channels/0/chat/mail_channel"]
    assert problems(a_channel(idle_after="10s", abandon_after="10s")) == [
        "/channels/0/chat/idle_after",
        "/channels/0/chat/abandon_after",
    ]
    mail = ChannelPart.model_validate({"id": "mail", "kind": "email", "address": "help@acme.example"})
    assert problems(a_channel(mail_channel="mail", transcript=True), mail) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"origins": []},
        {"origins": ["https://www.example.com/"]},
        {"origins": ["*"]},
        {"origins": ["https://a.example https://b.example"]},
        {"public_key": "short"},
        {"secrets": ["too short to sign with"]},
    ],
)
def test_what_nobody_can_mean_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChannelPart.model_validate({"id": "web", "kind": "chat", "address": "acme", "chat": {**CHAT, **wrong}})
