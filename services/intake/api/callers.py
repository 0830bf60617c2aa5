"""Who changes tickets, and which: everybody's with `tickets:write`, their own with `agents:self`."""

from typing import Annotated

from services.intake.app.desk import By
from services.intake.domain.ticket import Actor
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.vocabulary import ActorKind

Reader = Annotated[Principal, allowed("tickets:read")]
Writer = Annotated[Principal, allowed("tickets:write", "agents:self")]
Clerk = Annotated[Principal, allowed("tickets:write")]


def asked_by(principal: Principal) -> By:
    """The caller as the use-cases know them: an agent where their token is an agent's own."""
    kind = ActorKind.AGENT if "agents:self" in principal.scopes else ActorKind.API
    return By(
        actor=Actor(kind=kind, actor_id=principal.subject),
        cause=request_cause(),
        has_own_only=not principal.may("tickets:write"),
    )
