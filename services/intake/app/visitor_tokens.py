"""What the customer's own site says about who chats: a JWT (HS256) signed with a secret of the channel.

Claims: `id`, by which the site knows its visitor, and `exp`; `email` and `name`, if it says them.
"""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

import jwt
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from services.intake.domain.chat import ChatOffer, Conversation, Visitor
from services.intake.domain.message import Identity, IdentityKind, email_identity
from shared.http.types import Email, Text

_MAX_TOKEN = 4096
_LEEWAY_S = 30


class BadVisitorToken(Exception):
    """The token is not one that the channel's site has signed, or not any more; or none says whose the chat is."""


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    id: Annotated[Text, StringConstraints(min_length=1, max_length=150)]
    exp: int
    email: Email | None = None
    name: Annotated[Text, StringConstraints(min_length=1, max_length=200)] | None = None


def verified(offer: ChatOffer, token: str) -> Visitor:
    """Who the site says it is. Raises BadVisitorToken."""
    if len(token) > _MAX_TOKEN:
        raise BadVisitorToken
    for secret in offer.secrets:
        try:
            claims = jwt.decode(
                token, secret, algorithms=["HS256"], leeway=_LEEWAY_S, options={"require": ["exp"]}
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        try:
            known = _Claims.model_validate(claims)
        except ValidationError:
            raise BadVisitorToken from None
        identity = Identity(kind=IdentityKind.HANDLE, value=f"external:{known.id}")
        return Visitor(
            identity=email_identity(known.email) if known.email else identity,
            name=known.name,
            email=known.email,
            is_verified=True,
        )
    raise BadVisitorToken


def anonymous(visitor_id: UUID) -> Visitor:
    """Somebody whom nobody knows."""
    return Visitor(identity=Identity(kind=IdentityKind.HANDLE, value=f"visitor:{visitor_id.hex}"))


def may_resume(chat: Conversation | None, said: Visitor | None) -> bool:
    """Whether who says so may go on with a conversation: one who was vouched for has to be again, as the same."""
    if chat is None or not chat.visitor.is_verified:
        return True
    return said is not None and said.is_verified and said.identity == chat.visitor.identity


def check_goes_on(chat: Conversation | None, visitor: Visitor) -> None:
    """Whether who was let in may go on, though another page of theirs may have logged in meanwhile.

    Raises BadVisitorToken.
    """
    if not may_resume(chat, visitor):
        raise BadVisitorToken


def as_known(chat: Conversation, said: Visitor | None) -> Visitor:
    """The visitor of a conversation who goes on with it, with what their site says by now."""
    if said is None:
        return chat.visitor
    return replace(said, email=said.email or chat.visitor.email, name=said.name or chat.visitor.name)
