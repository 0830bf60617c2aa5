from dataclasses import replace
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.app.visitor_tokens import BadVisitorToken, anonymous, check_goes_on, verified
from services.intake.domain.message import Identity, IdentityKind
from tests.unit.intake.domain.test_chat import OFFER, a_chat

SECRETS = ("a-secret-of-the-site-32-characters!" * 2, "another-secret-of-it-32-characters")
SIGNING = replace(OFFER, secrets=SECRETS)
FUTURE = 4_000_000_000


def a_token(secret: str = SECRETS[0], algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode({"id": "u-1", "exp": FUTURE, **claims}, secret, algorithm=algorithm)


def test_a_site_says_who_somebody_is_by_either_secret() -> None:
    for secret in SECRETS:
        visitor = verified(SIGNING, a_token(secret, email="ada@Example.ORG", name="Ada"))
        assert visitor.identity == Identity(kind=IdentityKind.EMAIL, value="ada@example.org")
        assert (visitor.name, visitor.is_verified) == ("Ada", True)
    by_id = verified(SIGNING, a_token())
    assert by_id.identity == Identity(kind=IdentityKind.HANDLE, value="external:u-1")


@pytest.mark.parametrize(
    "token",
    [
        a_token("a-secret-of-somebody-else-32-chars!"),
        a_token(algorithm="HS512"),
        a_token(exp=1),
        a_token(id=""),
        a_token(id=7),
        a_token(id="a\0b"),
        a_token(email="nobody"),
        a_token(email="\ud800@example.org"),
        a_token(name="x" * 5000),
        jwt.encode({"id": "u-1"}, SECRETS[0], algorithm="HS256"),
        jwt.encode({"id": "u-1", "exp": FUTURE}, "", algorithm="none"),
    ],
)
def test_nobody_else_does(token: str) -> None:
    with pytest.raises(BadVisitorToken):
        verified(SIGNING, token)


def test_a_channel_without_secrets_believes_nobody() -> None:
    with pytest.raises(BadVisitorToken):
        verified(OFFER, a_token())


@given(st.text())
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    with pytest.raises(BadVisitorToken):
        verified(SIGNING, text)


def test_a_chat_of_who_is_vouched_for_goes_on_with_them_alone() -> None:
    ada, bob = (verified(SIGNING, a_token(id=name)) for name in ("ada", "bob"))
    stranger = anonymous(UUID(int=1))
    for visitor in (ada, bob, stranger):
        check_goes_on(None, visitor)
        check_goes_on(a_chat(visitor=stranger), visitor)
    check_goes_on(a_chat(visitor=ada), ada)
    for visitor in (bob, stranger, replace(ada, is_verified=False)):
        with pytest.raises(BadVisitorToken):
            check_goes_on(a_chat(visitor=ada), visitor)
