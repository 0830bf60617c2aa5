"""Who is calling: bearer JWTs with a workspace, a subject and scopes (RFC 6750, RFC 7519)."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt
import structlog
from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from shared.clock import Clock, monotonic
from shared.db.workspaces import is_workspace_id
from shared.http.problems import ProblemError
from shared.telemetry.names import Log

log = structlog.get_logger()

ALGORITHMS = ("EdDSA", "RS256")
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
_MAX_TOKEN = 8192
_MAX_CACHED = 10_000
_READ_KEYS_S = 5.0
_FETCH_KEYS_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller. `subject` is an agent's slug where an agent calls."""

    workspace_id: str
    subject: str
    scopes: frozenset[str]
    jti: str | None
    expires_at: float

    def may(self, *scopes: str) -> bool:
        """Whether the caller has any of these scopes. `admin` has them all."""
        return "admin" in self.scopes or any(scope in self.scopes for scope in scopes)


class Unauthenticated(Exception):
    """The token is not good."""


class KeySource(Protocol):
    """Where public keys come from."""

    def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key with this id; the only one where the token names none."""
        ...


class KeyFile:
    """Keys from a JWKS file, read again after it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0.0
        self._keys: list[jwt.PyJWK] = []

    def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key with this id; the only one where the token names none."""
        if monotonic() - self._read_at > _READ_KEYS_S and self._path.exists():
            self._read_at = monotonic()
            self._keys = jwt.PyJWKSet.from_json(self._path.read_text()).keys
        if key_id is None and len(self._keys) == 1:
            return self._keys[0]
        return next((key for key in self._keys if key.key_id == key_id), None)


class KeyUrl:
    """Keys from an OIDC issuer's JWKS document. `refresh` fetches it; verifying never waits for the network."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client
        self._keys: dict[str | None, jwt.PyJWK] = {}

    def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key with this id."""
        return self._keys.get(key_id)

    async def refresh(self) -> None:
        """Fetches the keys; keeps the last good ones where that fails."""
        try:
            answer = await self._client.get(self._url, timeout=5)
            answer.raise_for_status()
            self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.json()).keys}
        except (httpx.HTTPError, jwt.PyJWTError, ValueError) as error:
            log.warning(Log.KEYS_NOT_FETCHED, error=type(error).__name__)

    async def run(self, stopping: asyncio.Event) -> None:
        """Fetches now and every minute, until `stopping`."""
        while not stopping.is_set():
            await self.refresh()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FETCH_KEYS_S):
                    await stopping.wait()


class Revocations(Protocol):
    """Which tokens were taken back."""

    def is_revoked(self, workspace_id: str, jti: str) -> bool:
        """Whether this token is no longer good."""
        ...


class Verifier:
    """Verifies tokens. One that was verified is remembered until it expires."""

    def __init__(
        self,
        keys: KeySource | None,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        revocations: Revocations,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._revocations = revocations
        self._known: OrderedDict[str, Principal] = OrderedDict()

    def verify(self, token: str) -> Principal:
        """The caller that a token names. Raises Unauthenticated."""
        principal = self._known.get(token)
        if principal is None:
            principal = self._decode(token)
            self._known[token] = principal
            if len(self._known) > _MAX_CACHED:
                self._known.popitem(last=False)
        elif principal.expires_at <= self._clock.now().timestamp():
            del self._known[token]
            raise Unauthenticated("expired")
        if not self.is_good(principal):
            raise Unauthenticated("revoked")
        return principal

    def is_good(self, principal: Principal) -> bool:
        """Whether a caller who was let in may stay: streams ask again and again."""
        if principal.expires_at <= self._clock.now().timestamp():
            return False
        return principal.jti is None or not self._revocations.is_revoked(principal.workspace_id, principal.jti)

    def _decode(self, token: str) -> Principal:
        if len(token) > _MAX_TOKEN or self._keys is None:
            raise Unauthenticated("not acceptable")
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            key = self._keys.key(header.get("kid"))
            # The key's own algorithm decides, not the token's word for it.
            if algorithm not in ALGORITHMS or key is None or key.algorithm_name != algorithm:
                raise Unauthenticated("no key for it")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(type(error).__name__) from None
        workspace_id, subject, scope = claims.get("workspace"), claims["sub"], claims.get("scope", "")
        jti = claims.get("jti")
        if not (
            isinstance(workspace_id, str)
            and is_workspace_id(workspace_id)
            and isinstance(subject, str)
            and 0 < len(subject) <= 200
            and subject.isprintable()
            and isinstance(scope, str)
            and isinstance(jti, str | None)
        ):
            raise Unauthenticated("claims")
        return Principal(
            workspace_id=workspace_id,
            subject=subject,
            scopes=frozenset(scope.split()),
            jti=jti,
            expires_at=float(claims["exp"]),
        )


class Allowed(SecurityBase):
    """A dependency: the caller, who has one of these scopes.

    One object that FastAPI both documents and calls: nested dependencies would cost every request.
    Raises ProblemError 401 and 403.
    """

    model = HTTPBearerModel(bearerFormat="JWT")
    scheme_name = "token"

    def __init__(self, scopes: Sequence[str]) -> None:
        self._scopes = tuple(scopes)

    async def __call__(self, request: Request) -> Principal:
        """The caller of this request, kept in its state for those who come after."""
        verifier: Verifier = request.app.state.verifier
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise _unauthenticated("Send a bearer token.", "Bearer")
        try:
            principal = verifier.verify(token)
        except Unauthenticated:
            raise _unauthenticated("The token is not good.", 'Bearer error="invalid_token"') from None
        if self._scopes and not principal.may(*self._scopes):
            raise ProblemError(403, "not-allowed", f"The token needs one of: {', '.join(self._scopes)}.")
        request.state.principal = principal
        return principal


def allowed(*scopes: str) -> Any:
    """For `Annotated[Principal, allowed("tickets:read")]`: the caller has one of these scopes."""
    return Security(Allowed(scopes), scopes=list(scopes))


def _unauthenticated(detail: str, challenge: str) -> ProblemError:
    return ProblemError(401, "not-authenticated", detail, headers={"WWW-Authenticate": challenge})
