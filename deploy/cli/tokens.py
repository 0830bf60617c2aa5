"""Bearer tokens, as the services take them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from deploy.cli.errors import CliError
from deploy.cli.keys import SigningKey
from shared.clock import SystemClock
from shared.ids import SystemIds

ISSUER = "waypost"
AUDIENCE = "waypost"
SHORT = timedelta(days=1)
"""A token that is good for longer has an id, so that it can be revoked."""

SCOPES = (
    "messages:write",
    "tickets:read",
    "tickets:write",
    "agents:self",
    "agents:read",
    "agents:write",
    "routing:read",
    "routing:write",
    "escalation:read",
    "escalation:write",
    "metrics:read",
    "admin",
)
AGENT_SCOPES = (
    "agents:self",
    "tickets:read",
    "tickets:write",
    "routing:read",
    "escalation:read",
    "escalation:write",
)
"""What an agent needs to work."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says of itself. Nothing here was verified."""

    workspace_id: str
    subject: str
    jti: str | None
    expires_at: datetime | None


def mint(
    key: SigningKey, *, workspace_id: str, subject: str, scopes: tuple[str, ...], lifetime: timedelta = SHORT
) -> str:
    """A signed token. CliError for a scope that no service knows."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise CliError(f"There is no scope {', '.join(unknown)}. There are: {', '.join(SCOPES)}.")
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "workspace": workspace_id,
        "sub": subject,
        "scope": " ".join(scopes),
        "exp": SystemClock().now() + lifetime,
        **({"jti": str(SystemIds().new())} if lifetime > SHORT else {}),
    }
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.key_id})


def read(token: str) -> Claims:
    """What a token says. Raises CliError where it is none."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        expires_at = claims.get("exp")
        return Claims(
            workspace_id=str(claims["workspace"]),
            subject=str(claims["sub"]),
            jti=claims.get("jti"),
            expires_at=datetime.fromtimestamp(expires_at, SystemClock().now().tzinfo) if expires_at else None,
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        raise CliError("This is not a token of Waypost.") from None
