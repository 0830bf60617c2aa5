from collections.abc import Mapping

import pytest

from services.intake.app.channel_parts import ChannelPart, channel_problems, to_channel
from shared.secrets import Secret, map_secrets, secrets_in

SMS = {
    "id": "texts",
    "kind": "sms",
    "address": "acme-texts",
    "providers": [
        {"name": "twilio-sms", "account_sid": "AC1", "secrets": ["s3cret-1", "s3cret-2"], "number": "+15550100"}
    ],
}


def test_every_secret_is_found_and_sealed() -> None:
    part = ChannelPart.model_validate(SMS)
    assert [pointer for pointer, _ in secrets_in(part)] == ["/providers/0/secrets/0", "/providers/0/secrets/1"]
    sealed = map_secrets(part, lambda secret: f"<{secret}>")
    assert sealed.model_dump(mode="json")["providers"][0]["secrets"] == ["<s3cret-1>", "<s3cret-2>"]
    assert "s3cret" not in repr(part)
    assert to_channel(sealed, lambda secret: secret.strip("<>")).providers[0].secrets == ("s3cret-1", "s3cret-2")


def test_a_channel_whose_secrets_cannot_be_opened_goes_on_without_providers() -> None:
    def lost(_: Secret) -> str:
        raise ValueError("another key")

    channel = to_channel(ChannelPart.model_validate(SMS), lost)
    assert channel.providers == ()
    assert channel.has_lost_secrets


@pytest.mark.parametrize("first", ["whpk_MCowBQYDK2VwAyEA", "whsec_no key"])
def test_who_is_sent_answers_has_a_secret_that_signs_them(first: str) -> None:
    def problems(*secrets: str, **more: str) -> list[str]:
        provider = {"name": "standard-webhook", "secrets": secrets, **more}
        part = ChannelPart.model_validate({**SMS, "providers": [provider]})
        return [pointer for pointer, _ in channel_problems((part,))]

    url = "https://voice.example/answers"
    assert problems(first, "whsec_c2VjcmV0cw", url=url) == ["/channels/0/providers/0/secrets/0"]
    # Such a one verifies what comes in, and what is sealed was checked before.
    assert problems(first) == []
    assert problems("whsec_c2VjcmV0cw", first, url=url) == []
    assert problems("sealed:AAAA", url=url) == []


@pytest.mark.parametrize("token", ["xoxb-gehei\u00df", "xoxb-1 ", "xoxb-1\n"])
def test_a_token_that_fits_no_header_is_refused(token: str) -> None:
    slack = {"name": "slack", "team_id": "T1", "secrets": [token], "bot_token": token}
    meta = {"name": "whatsapp", "phone_number_id": "1", "secrets": [token], "verify_token": token}

    def problems(kind: str, provider: Mapping[str, object]) -> list[str]:
        part = ChannelPart.model_validate({**SMS, "kind": kind, "providers": [provider]})
        return [pointer for pointer, _ in channel_problems((part,))]

    assert problems("slack", slack) == ["/channels/0/providers/0/bot_token"]
    assert problems("whatsapp", {**meta, "access_token": token}) == ["/channels/0/providers/0/access_token"]
    # What is sealed was checked before.
    assert problems("slack", {**slack, "bot_token": "sealed:AAAA"}) == []


def test_what_serves_a_channel_fits_its_kind() -> None:
    wrong = ChannelPart.model_validate({**SMS, "kind": "slack"})
    homeless = ChannelPart.model_validate({**SMS, "id": "other", "address": None})
    mail = ChannelPart.model_validate({"id": "mail", "kind": "email", "address": "acme"})
    assert list(channel_problems((wrong, homeless, mail))) == [
        ("/channels/0/providers/0/name", "serves no channel of kind slack"),
        ("/channels/1/address", "webhooks need a word for their path"),
        ("/channels/2/address", "a mail channel has a mail address"),
    ]
