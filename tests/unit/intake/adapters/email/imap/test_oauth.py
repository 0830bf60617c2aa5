"""What issuers of tokens answer."""

import ssl

import pytest

from services.intake.adapters.email.imap.oauth import TokenDoor
from services.intake.adapters.outside import Outside
from services.intake.domain.mailbox import OAuth
from shared.clock import monotonic
from shared.errors import ProviderUnavailable
from tests.integration.intake.media.double import Website, answer


async def ask(content: bytes) -> float:
    """For how long what is answered is good, as it is understood."""
    async with Website.open() as issuer:
        issuer.answers["/t"] = [answer(200, content)]
        oauth = OAuth(token_url=issuer.url("/t"), client_id="c", client_secret="s", refresh_token="r", scope=None)
        door = TokenDoor(Outside([f"127.0.0.1:{issuer.port}"]), ssl.create_default_context)
        return (await door.ask(oauth, "r")).until - monotonic()


@pytest.mark.parametrize(
    ("expires_in", "lasts_s"),
    [
        (b"3600", 3540),
        (b"9" * 400, 86_340),
        (b"1e999", 86_340),
        (b"-" + b"9" * 400, 0),
        (b"NaN", 0),
        (b'"soon"', 240),
    ],
)
async def test_a_token_is_good_for_a_day_at_most(expires_in: bytes, lasts_s: float) -> None:
    lasts = await ask(b'{"access_token": "at", "expires_in": %b}' % expires_in)
    assert lasts == pytest.approx(lasts_s, abs=5)


@pytest.mark.parametrize("token", [rb"\ud800", rb"\u00f6"])
async def test_a_token_that_cannot_be_sent_is_none(token: bytes) -> None:
    with pytest.raises(ProviderUnavailable):
        await ask(b'{"access_token": "%b"}' % token)
